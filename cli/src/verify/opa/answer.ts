// What `opa` prints, and what is asked of it. Pure: JSON texts in, values out.

import type { DenyValue } from '@affidavit/attest/policy/rego-engine.ts';
import { isObject } from '@affidavit/attest/statement.ts';

export type ParsedModule =
	| {
			kind: 'module';
			/** Reference text: data.trace_demo, data["a-b"].c */
			package: string;
			hasDeny: boolean;
	  }
	| { kind: 'invalid'; reasons: string[] };

/** Reads `opa parse --format json`. */
export function readParse(stdout: string, nameOf: (file: string) => string): ParsedModule {
	const value = parseJson(stdout);
	if (!isObject(value)) return { kind: 'invalid', reasons: ['opa parse: expected a JSON object'] };
	const errors = readErrors(value, nameOf);
	if (errors.length > 0) return { kind: 'invalid', reasons: errors };
	const reference = isObject(value['package']) ? packageReference(value['package']['path']) : null;
	if (reference === null) return { kind: 'invalid', reasons: ['opa parse: expected a package path'] };
	const rules = Array.isArray(value['rules']) ? value['rules'] : [];
	return { kind: 'module', package: reference, hasDeny: rules.some(isDeny) };
}

/** `data.a["b-c"]` of a path's terms. */
function packageReference(path: unknown): string | null {
	if (!Array.isArray(path)) return null;
	let reference = '';
	for (const [i, term] of path.entries()) {
		const value = isObject(term) ? term['value'] : undefined;
		if (typeof value !== 'string') return null;
		if (i === 0) reference = value;
		else reference += /^[A-Za-z_][A-Za-z0-9_]*$/.test(value) ? `.${value}` : `[${JSON.stringify(value)}]`;
	}
	return reference;
}

function isDeny(rule: unknown): boolean {
	const head = isObject(rule) ? rule['head'] : undefined;
	if (!isObject(head)) return false;
	const first: unknown = Array.isArray(head['ref']) ? head['ref'][0] : undefined;
	return isObject(first) ? first['value'] === 'deny' : head['name'] === 'deny';
}

/** Each package's `deny` on its own: an array of no or one value, so that undefined is told from empty. */
export const denyQuery = (packages: readonly string[]): string =>
	`{${packages.map((reference, i) => `"${i}": [x | x := ${reference}.deny]`).join(', ')}}`;

export type DenyAnswers = { kind: 'values'; values: DenyValue[] } | { kind: 'refused'; reasons: string[] };

/** Reads `opa eval --format json` of a `denyQuery` over `count` packages. */
export function readEval(stdout: string, count: number, nameOf: (file: string) => string): DenyAnswers {
	const value = parseJson(stdout);
	if (!isObject(value)) return refused('opa eval: expected a JSON object');
	const errors = readErrors(value, nameOf);
	if (errors.length > 0) return { kind: 'refused', reasons: errors };
	const result: unknown = Array.isArray(value['result']) ? value['result'][0] : undefined;
	const expressions = isObject(result) ? result['expressions'] : undefined;
	const first: unknown = Array.isArray(expressions) ? expressions[0] : undefined;
	const denied = isObject(first) ? first['value'] : undefined;
	if (!isObject(denied)) return refused('opa eval: expected one result');
	const values: DenyValue[] = [];
	for (let i = 0; i < count; i++) {
		const found: unknown = denied[String(i)];
		if (!Array.isArray(found)) return refused('opa eval: expected a value for each package');
		values.push(found.length === 0 ? { kind: 'undefined' } : denyValue(found[0]));
	}
	return { kind: 'values', values };
}

function denyValue(value: unknown): DenyValue {
	if (!Array.isArray(value)) return { kind: 'other', found: found(value) };
	const other: unknown = value.find((reason) => typeof reason !== 'string');
	if (other !== undefined) return { kind: 'other', found: `a set with ${found(other)}` };
	return { kind: 'reasons', reasons: value as string[] };
}

function found(value: unknown): string {
	if (value === null) return 'null';
	if (Array.isArray(value)) return 'an array';
	return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

const errorsShownMax = 20;

function readErrors(value: Record<string, unknown>, nameOf: (file: string) => string): string[] {
	const { errors } = value;
	if (!Array.isArray(errors)) return [];
	return errors.slice(0, errorsShownMax).map((error: unknown) => {
		if (!isObject(error)) return 'opa: an error without a message';
		const { message, location } = error;
		const words = typeof message === 'string' ? message : 'an error without a message';
		if (!isObject(location) || typeof location['file'] !== 'string') return words;
		return `${nameOf(location['file'])}:${String(location['row'])}:${String(location['col'])}: ${words}`;
	});
}

/** What a policy must not reach: the network, and the process that evaluates it. */
const deniedBuiltins: ReadonlySet<string> = new Set(['http.send', 'net.lookup_ip_addr', 'opa.runtime']);

/** The capabilities of `opa capabilities --current`, without those and without network; null when they cannot be read. */
export function offlineCapabilities(stdout: string): string | null {
	const value = parseJson(stdout);
	if (!isObject(value) || !Array.isArray(value['builtins'])) return null;
	const builtins = value['builtins'].filter(
		(builtin: unknown) => !(isObject(builtin) && deniedBuiltins.has(String(builtin['name']))),
	);
	return JSON.stringify({ ...value, builtins, allow_net: [] });
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

const refused = (reason: string): DenyAnswers => ({ kind: 'refused', reasons: [reason] });
