// Where two JSON texts differ first (pure).
import { isObject } from '@affidavit/attest/statement.ts';

export interface Difference {
	/** `predicate.verdict.findings[0].severity`; empty: the whole. */
	path: string;
	/** JSON texts, clipped; `nothing` where there is none. */
	signed: string;
	rederived: string;
}

const depthMax = 200;
const textCharsMax = 200;
const plainName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** null: both say the same, however they are written. */
export function firstDifference(signed: unknown, rederived: unknown, path = '', depth = 0): Difference | null {
	if (Object.is(signed, rederived)) return null;
	const here: Difference = { path, signed: textOf(signed), rederived: textOf(rederived) };
	// What lies deeper is not looked at: no statement of ours does.
	if (depth >= depthMax) return here;
	if (Array.isArray(signed) && Array.isArray(rederived)) {
		const longest = Math.max(signed.length, rederived.length);
		for (let i = 0; i < longest; i++) {
			const found = firstDifference(signed[i], rederived[i], `${path}[${i}]`, depth + 1);
			if (found !== null) return found;
		}
		return null;
	}
	if (!isObject(signed) || !isObject(rederived)) return here;
	for (const name of [...new Set([...Object.keys(signed), ...Object.keys(rederived)])].sort()) {
		const step = plainName.test(name) ? name : `[${JSON.stringify(name)}]`;
		const below = path === '' || step.startsWith('[') ? `${path}${step}` : `${path}.${step}`;
		const found = firstDifference(own(signed, name), own(rederived, name), below, depth + 1);
		if (found !== null) return found;
	}
	return null;
}

const own = (value: Record<string, unknown>, name: string): unknown =>
	Object.hasOwn(value, name) ? value[name] : undefined;

function textOf(value: unknown): string {
	if (value === undefined) return 'nothing';
	const text = isObject(value) ? `an object of ${Object.keys(value).length}` : arrayOr(value);
	return text.length > textCharsMax ? `${text.slice(0, textCharsMax)}…` : text;
}

const arrayOr = (value: unknown): string =>
	Array.isArray(value) ? `an array of ${value.length}` : JSON.stringify(value);
