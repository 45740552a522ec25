// What CI refuses of the schemas: a contract that changed without a version, one that cannot read an older record, a frozen version
// that was touched.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { schemaFingerprint } from '../packages/model/src/canonical-schema.ts';
import { incompatibilities } from './schema-compatibility.ts';
import { type FrozenSchema, readHistory, sameContract, subjects } from './schema-versions.ts';

/** One sentence for each problem; empty when all is well. */
export function historyProblems(root: string): string[] {
	const history = readHistory(root);
	const problems = touched(root, history);
	for (const subject of subjects(root)) {
		const schema: unknown = JSON.parse(readFileSync(join(root, `schemas/${subject}.avsc`), 'utf8'));
		problems.push(...subjectProblems(subject, schema, history));
	}
	return problems;
}

function subjectProblems(subject: string, schema: unknown, history: readonly FrozenSchema[]): string[] {
	const versions = history.filter((entry) => entry.subject === subject);
	const problems = versions.flatMap((older) =>
		incompatibilities(schema, older.schema).map(
			(why) => `schemas/${subject}.avsc cannot read what version ${older.version} wrote: ${why}`,
		),
	);
	const last = versions.at(-1);
	if (last === undefined || !sameContract(schema, last.schema))
		problems.push(
			`schemas/${subject}.avsc is not its last frozen version (${last?.version ?? 'none'}): run npm run schemas:freeze`,
		);
	versions.forEach(({ version }, i) => {
		if (version !== i + 1) problems.push(`schemas/history: ${subject} version ${version}: expected ${i + 1}`);
	});
	return problems;
}

function touched(root: string, history: readonly FrozenSchema[]): string[] {
	const problems: string[] = [];
	const byFingerprint = new Map<string, FrozenSchema>();
	history.forEach((entry, i) => {
		const { id, subject, version, fingerprint, schema } = entry;
		const twin = byFingerprint.get(fingerprint);
		byFingerprint.set(fingerprint, entry);
		// A registry could not tell their bytes apart, and with a default older records would change their meaning.
		if (twin !== undefined)
			problems.push(
				`schemas/history: ${subject} version ${version} differs from version ${twin.version} in no field or type`,
			);
		if (id !== i + 1) problems.push(`schemas/history: id ${id}: expected ${i + 1}`);
		if (schemaFingerprint(schema) !== fingerprint)
			problems.push(`schemas/history/${subject}.${version}.avsc was changed after it was frozen`);
	});
	const known = new Set(history.map(({ subject, version }) => `${subject}.${version}.avsc`));
	for (const file of readdirSync(join(root, 'schemas/history')))
		if (file.endsWith('.avsc') && !known.has(file))
			problems.push(`schemas/history/${file}: no version of history.json`);
	return problems;
}
