// The frozen versions of the Avro schemas, as files: schemas/history.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalForm } from '../packages/model/src/canonical-schema.ts';

export interface HistoryEntry {
	id: number;
	subject: string;
	version: number;
	fingerprint: string;
}

export interface FrozenSchema extends HistoryEntry {
	schema: unknown;
}

/** Names of the schemas in force. */
export const subjects = (root: string): string[] =>
	readdirSync(join(root, 'schemas'))
		.filter((file) => file.endsWith('.avsc'))
		.map((file) => file.slice(0, -'.avsc'.length))
		.sort();

/** By id. */
export function readHistory(root: string): FrozenSchema[] {
	const folder = join(root, 'schemas/history');
	const path = join(folder, 'history.json');
	const entries = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as HistoryEntry[]) : [];
	return entries.map((entry) => ({
		...entry,
		schema: JSON.parse(readFileSync(join(folder, `${entry.subject}.${entry.version}.avsc`), 'utf8')) as unknown,
	}));
}

/** True when only docs differ: the bytes written are the same, and so are the defaults of what older ones lack. */
export const sameContract = (a: unknown, b: unknown): boolean =>
	canonicalForm(a) === canonicalForm(b) && JSON.stringify(withoutDocs(a)) === JSON.stringify(withoutDocs(b));

function withoutDocs(schema: unknown): unknown {
	if (Array.isArray(schema)) return schema.map(withoutDocs);
	if (typeof schema !== 'object' || schema === null) return schema;
	const entries = Object.entries(schema).filter(([name]) => name !== 'doc');
	return Object.fromEntries(entries.map(([name, value]) => [name, name === 'default' ? value : withoutDocs(value)]));
}
