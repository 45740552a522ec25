// Secrets never reach the screen: credentials in URLs, and webhook paths, which are often the password themselves.

import { type Leaf, leaves } from './keys.ts';
import type { Config } from './schema.ts';

const masked = '***';
const credentials = /^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i;

/** The text with what may be a credential replaced by ***. */
export function maskText(text: string, secret: Leaf['secret']): string {
	if (secret === 'none') return text;
	const bare = text.replace(credentials, `$1${masked}@`);
	const query = bare.search(/[?#]/);
	const shown = query < 0 || !bare.includes('://') ? bare : `${bare.slice(0, query + 1)}${masked}`;
	if (secret === 'url') return shown;
	const scheme = shown.indexOf('://');
	if (scheme < 0) return masked;
	const slash = shown.indexOf('/', scheme + 3);
	return slash < 0 || slash === shown.length - 1 ? shown : `${shown.slice(0, slash)}/${masked}`;
}

export function maskValue(value: unknown, secret: Leaf['secret']): unknown {
	if (secret === 'none') return value;
	if (typeof value === 'string') return maskText(value, secret);
	if (Array.isArray(value)) return value.map((item) => maskValue(item, secret));
	if (value !== null && typeof value === 'object')
		return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, maskValue(item, secret)]));
	return value;
}

/** A copy of the configuration that may be shown. */
export function maskConfig(config: Config): Record<string, unknown> {
	const copy = structuredClone(config) as unknown as Record<string, unknown>;
	for (const { path, secret } of leaves()) {
		if (secret === 'none') continue;
		let holder: Record<string, unknown> | null = copy;
		for (const key of path.slice(0, -1)) holder = (holder?.[key] ?? null) as Record<string, unknown> | null;
		const last = path.at(-1) as string;
		if (holder && holder[last] !== undefined) holder[last] = maskValue(holder[last], secret);
	}
	return copy;
}
