// The leaves of the configuration, read from its schema: what an environment variable or a flag can set.
import { z } from 'zod';
import { configSchema } from './schema.ts';

export type LeafKind = 'text' | 'number' | 'boolean' | 'list' | 'map' | 'switch-or-list';

export interface Leaf {
	/** Key path, e.g. ['webhook', 'url']. */
	path: readonly string[];
	kind: LeafKind;
	/** A file or folder name. */
	isPath: boolean;
	/** `url`: credentials in a URL are masked. `url-path`: the path too. */
	secret: 'none' | 'url' | 'url-path';
	/** AFFIDAVIT_WEBHOOK__URL. */
	variable: string;
	description: string;
	/** As JSON; '' when there is none. */
	fallback: string;
	/** What values are allowed, in a few words; '' when anything of its kind is. */
	allowed: string;
}

interface JsonSchema {
	type?: string | string[];
	properties?: Record<string, JsonSchema>;
	anyOf?: JsonSchema[];
	description?: string;
	default?: unknown;
	enum?: string[];
	minimum?: number;
	maximum?: number;
	path?: boolean;
	secret?: 'url' | 'url-path';
}

export const variablePrefix = 'AFFIDAVIT_';
/** Variables with the prefix that are no configuration keys: the file's name, and where interop tests find their peers. */
export const reservedVariables: ReadonlySet<string> = new Set(['AFFIDAVIT_CONFIG', 'AFFIDAVIT_PEERS']);

/** JSON Schema (2020-12) of affidavit.yaml, without the marks that are for this program alone. */
export function configJsonSchema(): Record<string, unknown> {
	return {
		...z.toJSONSchema(configSchema, {
			io: 'input',
			override: ({ jsonSchema }) => {
				delete jsonSchema['path'];
				delete jsonSchema['secret'];
			},
		}),
	};
}

const variableOf = (path: readonly string[]): string =>
	variablePrefix + path.map((key) => key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()).join('__');

const kinds: Readonly<Record<string, LeafKind>> = {
	string: 'text',
	integer: 'number',
	number: 'number',
	boolean: 'boolean',
	array: 'list',
	object: 'map',
};

function collect(schema: JsonSchema, path: readonly string[], out: Leaf[]): void {
	const object = schema.properties ? schema : schema.anyOf?.find((s) => s.properties);
	if (object?.properties) {
		for (const [key, child] of Object.entries(object.properties)) collect(child, [...path, key], out);
		return;
	}
	const types = [schema.type ?? schema.anyOf?.map((s) => s.type) ?? []].flat(2);
	const found = types.flatMap((type) => kinds[type ?? ''] ?? []);
	const kind = found.includes('boolean') && found.includes('list') ? 'switch-or-list' : found[0];
	if (kind === undefined) throw new TypeError(`configuration key ${path.join('.')}: no kind for its schema`);
	out.push({
		path,
		kind,
		isPath: schema.path === true,
		secret: schema.secret ?? 'none',
		variable: variableOf(path),
		description: schema.description ?? '',
		fallback: schema.default === undefined ? '' : JSON.stringify(schema.default),
		allowed: schema.enum?.join(', ') ?? (schema.minimum === undefined ? '' : `${schema.minimum} to ${schema.maximum}`),
	});
}

let known: readonly Leaf[] | undefined;

export function leaves(): readonly Leaf[] {
	if (known === undefined) {
		const out: Leaf[] = [];
		collect(z.toJSONSchema(configSchema, { io: 'input' }) as JsonSchema, [], out);
		known = out;
	}
	return known;
}

export const dotted = (path: readonly (string | number)[]): string => path.map(String).join('.');

export const leafAt = (path: readonly (string | number)[]): Leaf | undefined =>
	leaves().find((leaf) => leaf.path.length <= path.length && leaf.path.every((key, i) => key === path[i]));
