// Avro's Parsing Canonical Form: two schemas with the same one write the same bytes, whatever their docs, defaults and order of
// attributes. Taken from plain JSON, so that a stranger's schema (a registry's answer) is never compiled. Pure.
import { createHash } from 'node:crypto';

const depthMax = 64;

/** The canonical form as text. Throws TypeError on what is no schema, and on one that is nested deeper than 64. */
export const canonicalForm = (schema: unknown): string => JSON.stringify(canonical(schema, '', 0));

/** sha256 (hex) of the canonical form. */
export const schemaFingerprint = (schema: unknown): string =>
	createHash('sha256').update(canonicalForm(schema)).digest('hex');

const primitives = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']);

function canonical(schema: unknown, space: string, depth: number): unknown {
	if (depth > depthMax) throw new TypeError(`schema: expected at most ${depthMax} levels`);
	if (typeof schema === 'string') return primitives.has(schema) ? schema : fullName(schema, space);
	if (Array.isArray(schema)) return schema.map((branch) => canonical(branch, space, depth + 1));
	const { type, name, namespace, fields, symbols, items, values, size } = attributes(schema);
	switch (type) {
		case 'record':
		case 'enum':
		case 'fixed': {
			const full = fullName(text(name), typeof namespace === 'string' ? namespace : space);
			if (type === 'enum') return { name: full, type, symbols: list(symbols).map(text) };
			if (type === 'fixed') return { name: full, type, size: Number(size) };
			const inner = full.slice(0, Math.max(0, full.lastIndexOf('.')));
			return {
				name: full,
				type,
				fields: list(fields).map((field) => {
					const { name: fieldName, type: fieldType } = attributes(field);
					return { name: text(fieldName), type: canonical(fieldType, inner, depth + 1) };
				}),
			};
		}
		case 'array':
			return { type, items: canonical(items, space, depth + 1) };
		case 'map':
			return { type, values: canonical(values, space, depth + 1) };
		default:
			return canonical(type, space, depth + 1);
	}
}

const fullName = (name: string, space: string): string =>
	name.includes('.') || space === '' ? name : `${space}.${name}`;

function attributes(value: unknown): Record<string, unknown> {
	if (typeof value !== 'object' || value === null || Array.isArray(value))
		throw new TypeError('schema: expected an object');
	return value as Record<string, unknown>;
}

function list(value: unknown): unknown[] {
	if (!Array.isArray(value)) throw new TypeError('schema: expected a list');
	return value;
}

function text(value: unknown): string {
	if (typeof value !== 'string') throw new TypeError('schema: expected a name');
	return value;
}
