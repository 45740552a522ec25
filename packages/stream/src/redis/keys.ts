// The keys of a scope, and how names become bytes. All keys of a scope share one hash tag, so that one script may touch them.
import type { Scope } from '../ports.ts';

export interface ScopeKeys {
	/** `VERSION OFFSET LOW_WATER LAST_OUTBOX_ID`. */
	meta: string;
	/** Hash: cell name → value. */
	cells: string;
	/** List of pairs: an entry's header (outbox-entry.ts), its value. */
	outbox: string;
	/** What a list's name is put behind. */
	listPrefix: string;
}

export function scopeKeys(keyPrefix: string, scope: Scope): ScopeKeys {
	const tag = `${keyPrefix}{${encodeStage(scope.stage)}:${scope.partition}}:`;
	return { meta: `${tag}meta`, cells: `${tag}cells`, outbox: `${tag}outbox`, listPrefix: `${tag}list:` };
}

export const listKey = (keys: ScopeKeys, list: string): string | Buffer =>
	list.isWellFormed() ? keys.listPrefix + list : Buffer.concat([Buffer.from(keys.listPrefix), encodeName(list)]);

/** Keeps braces, colons and what ACL patterns give a meaning out of the tag. */
export function encodeStage(stage: string): string {
	if (/^[A-Za-z0-9_-]+$/.test(stage)) return stage;
	let encoded = '';
	for (const byte of encodeName(stage)) {
		const plain = (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
		encoded +=
			plain || byte === 0x5f || byte === 0x2d ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`;
	}
	return encoded;
}

/** No UTF-8 has this byte: behind it a name with lone surrogates lies as UTF-16. */
const utf16Mark = 0xff;

export const encodeName = (name: string): Buffer =>
	name.isWellFormed() ? Buffer.from(name) : Buffer.concat([Buffer.of(utf16Mark), Buffer.from(name, 'utf16le')]);

export const decodeName = (bytes: Buffer): string =>
	bytes[0] === utf16Mark ? bytes.subarray(1).toString('utf16le') : bytes.toString();
