// Digests and canonical bytes: what identity rests on.
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

export const sha256Hex = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

const hex64 = /^[0-9a-f]{64}$/;
export const isSha256 = (text: string): boolean => hex64.test(text);

const commitPattern = /^[0-9a-f]{40}([0-9a-f]{24})?$/;
/** A full git commit id, SHA-1 or SHA-256, lower case; anything else is refused before git sees it. */
export const isCommit = (text: string): boolean => commitPattern.test(text);

/** RFC 8785 (JCS) text of a JSON value: the same bytes for the same value. */
export function canonicalJson(value: unknown): string {
	const text = canonicalize(value);
	if (text === undefined) throw new TypeError('canonicalJson: expected a JSON value');
	return text;
}

/** sha256 of the empty file: what an open shows that truncated or created its file. */
export const emptyFileSha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
