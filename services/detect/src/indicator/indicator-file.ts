// `--indicators FILE`: known-bad digests, one `sha256:HEX` a line, with an optional comment after a blank or "#".
import { createReadStream } from 'node:fs';
import type { Indicator } from '@affidavit/model/generated/indicator.ts';
import { createIndicatorSet } from '../core/indicator-set.ts';

export type IndicatorFileResult =
	| { kind: 'indicators'; indicators: Indicator[] }
	/** One message a bad line, each `FILE:LINE: ... expected ...`; nothing of the file is used. */
	| { kind: 'invalid'; errors: string[] };

/** Bytes of one file. */
const fileBytesMax = 64 * 1024 * 1024;
const linesMax = 1_000_000;
const reasonCharsMax = 500;
/** Later bad lines of the same file are counted, not listed. */
const errorsMax = 20;
const excerptCharsMax = 80;

const entry = /^sha256:([0-9a-f]{64})(?:$|[\s#])/i;

/** `file` is for messages only. A digest that is named again keeps its last reason. */
export function parseIndicators(text: string, file: string): IndicatorFileResult {
	const lines = text.replace(/^\ufeff/, '').split('\n');
	if (lines.length > linesMax)
		return { kind: 'invalid', errors: [`${file}: ${lines.length} lines: expected at most ${linesMax}`] };
	const indicators = new Map<string, Indicator>();
	const errors: string[] = [];
	let bad = 0;
	for (let i = 0; i < lines.length; i++) {
		const line = (lines[i] as string).trim();
		if (line === '' || line.startsWith('#')) continue;
		const digest = entry.exec(line)?.[1]?.toLowerCase();
		if (digest === undefined) {
			bad++;
			if (bad <= errorsMax)
				errors.push(
					`${file}:${i + 1}: ${JSON.stringify(line.slice(0, excerptCharsMax))}: expected sha256: and 64 hex digits, then nothing or a comment`,
				);
			continue;
		}
		// The key is a map's, never a property's: a digest cannot be __proto__, but the next format's value could.
		indicators.set(digest, indicatorOf(digest, reasonOf(line.slice('sha256:'.length + 64))));
	}
	if (bad > errorsMax) errors.push(`${file}: ${bad - errorsMax} more lines like these`);
	return bad > 0 ? { kind: 'invalid', errors } : { kind: 'indicators', indicators: [...indicators.values()] };
}

const reasonOf = (rest: string): string => rest.replace(/^[\s#]+/, '').slice(0, reasonCharsMax);

const indicatorOf = (value: string, reason: string): Indicator => ({
	value,
	kind: 'digest',
	status: 'bad',
	reason,
	author: '',
	// The file does not say when; a clock's answer would make the same file another set.
	createdUs: 0,
	expiresUs: -1,
});

/** Reads and parses one file; what cannot be read is an error of the same kind. */
export async function readIndicatorFile(path: string): Promise<IndicatorFileResult> {
	const chunks: Buffer[] = [];
	let bytes = 0;
	try {
		for await (const chunk of createReadStream(path)) {
			bytes += (chunk as Buffer).length;
			if (bytes > fileBytesMax) return { kind: 'invalid', errors: [`${path}: expected at most ${fileBytesMax} bytes`] };
			chunks.push(chunk as Buffer);
		}
		const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
		return parseIndicators(text, path);
	} catch (cause) {
		const why = cause instanceof TypeError ? 'expected UTF-8 text' : `cannot be read: ${messageOf(cause)}`;
		return { kind: 'invalid', errors: [`${path}: ${why}`] };
	}
}

const messageOf = (cause: unknown): string =>
	(cause as NodeJS.ErrnoException).code ?? (cause instanceof Error ? cause.message : String(cause));

/** sha256 (hex) of the set as a verdict pins it: the same for the same entries in any order. */
export const indicatorSetDigest = (indicators: Iterable<Indicator>): string => createIndicatorSet(indicators).digest;
