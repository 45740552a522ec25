#!/usr/bin/env node
// Writes everything that is generated: types from the Avro and predicate schemas, JSON Schemas of configuration and rules.
// With --check it writes nothing and exits 1 when a file is stale or is no longer generated, and when a schema changed that could
// not read its older records or has no frozen version: CI proves them fresh.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { avroTypes } from './codegen-avro.ts';
import { configPage } from './codegen-config-page.ts';
import { jsonSchemas } from './codegen-json-schemas.ts';
import { predicateTypes } from './codegen-predicates.ts';
import { historyProblems } from './schema-history-check.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const check = process.argv.includes('--check');
/** Folders that hold generated files only. */
const generatedFolders = ['packages/model/src/generated', 'packages/attest/src/generated'];

const files = [...avroTypes(root), ...(await predicateTypes(root)), ...jsonSchemas(root), configPage()];
const known = new Set(files.map((file) => file.path));
let stale = 0;
const report = (path: string, what: string): void => {
	stale++;
	process.stderr.write(`${check ? 'stale' : 'written'}: ${path} ${what}\n`);
};

for (const { path, text } of files) {
	const target = join(root, path);
	if (read(target) === text) continue;
	report(path, '');
	if (check) continue;
	mkdirSync(dirname(target), { recursive: true });
	writeFileSync(target, text);
}
for (const folder of generatedFolders)
	for (const name of readdirSync(join(root, folder))) {
		const path = `${folder}/${name}`;
		if (known.has(path)) continue;
		report(path, '(no schema makes it)');
		if (!check) rmSync(join(root, path));
	}
if (check && stale > 0) {
	process.stderr.write('run npm run codegen\n');
	process.exitCode = 1;
}
if (check)
	for (const problem of historyProblems(root)) {
		process.stderr.write(`${problem}\n`);
		process.exitCode = 1;
	}

function read(path: string): string | null {
	try {
		return readFileSync(path, 'utf8');
	} catch {
		return null;
	}
}
