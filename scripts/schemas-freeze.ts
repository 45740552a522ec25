#!/usr/bin/env node
// Gives each changed schema its next version and id: copies it to schemas/history and adds it to history.json. Refuses a change
// that could not read an older record. What is frozen stays as it is: only versions are added.
// schemas-freeze.ts [ROOT]
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { schemaFingerprint } from '../packages/model/src/canonical-schema.ts';
import { incompatibilities } from './schema-compatibility.ts';
import { type HistoryEntry, readHistory, sameContract, subjects } from './schema-versions.ts';

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const history = readHistory(root);
const refusals: string[] = [];
const added: HistoryEntry[] = [];

for (const subject of subjects(root)) {
	const schema: unknown = JSON.parse(readFileSync(join(root, `schemas/${subject}.avsc`), 'utf8'));
	const older = history.filter((entry) => entry.subject === subject);
	const last = older.at(-1);
	if (last !== undefined && sameContract(schema, last.schema)) continue;
	for (const { version, schema: written } of older)
		refusals.push(
			...incompatibilities(schema, written).map((why) => `${subject}: cannot read version ${version}: ${why}`),
		);
	const fingerprint = schemaFingerprint(schema);
	const twin = older.find((entry) => entry.fingerprint === fingerprint);
	if (twin !== undefined)
		refusals.push(
			`${subject}: differs from version ${twin.version} in no field or type: a default alone does not change`,
		);
	added.push({
		id: Math.max(0, ...history.map((v) => v.id), ...added.map((v) => v.id)) + 1,
		subject,
		version: (last?.version ?? 0) + 1,
		fingerprint,
	});
}
if (refusals.length > 0) {
	process.stderr.write(`${refusals.join('\n')}\n`);
	process.exitCode = 1;
} else if (added.length > 0) {
	for (const { subject, version, id } of added) {
		copyFileSync(join(root, `schemas/${subject}.avsc`), join(root, `schemas/history/${subject}.${version}.avsc`));
		process.stderr.write(`frozen: ${subject} version ${version}, id ${id}\n`);
	}
	const all = [...history.map(({ schema, ...entry }) => entry), ...added];
	writeFileSync(join(root, 'schemas/history/history.json'), `${JSON.stringify(all, null, '\t')}\n`);
}
