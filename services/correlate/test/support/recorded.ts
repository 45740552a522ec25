// Recorded streams of test/fixtures/traces, decoded.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { createJsonDecoder } from '../../../ingest/src/json/decoder.ts';
import type { Decoded } from './pipeline.ts';

const traces = new URL('../../../../test/fixtures/traces/', import.meta.url);

/** Events in order of arrival. */
export function decodeStream(name: string): { host: string; decoded: Decoded[] } {
	const bytes = gunzipSync(readFileSync(new URL(`${name}/events.jsonl.gz`, traces)));
	const decoder = createJsonDecoder();
	const decoded: Decoded[] = [];
	let host = '';
	for (let at = 0; at < bytes.length; ) {
		const newline = bytes.indexOf(10, at);
		const end = newline === -1 ? bytes.length : newline;
		const result = decoder.decode(bytes.subarray(at, end));
		at = end + 1;
		if (result.kind === 'error') throw new Error(`${name}: ${result.code}: ${result.message}`);
		host = result.host;
		decoded.push({ event: result.event, process: result.process, parent: result.parent });
	}
	return { host, decoded };
}

interface Expectation {
	needs?: string;
	sessions: Record<string, { products?: { path: string; sha256?: string }[] }>;
}

export const expectationOf = (name: string): Expectation =>
	JSON.parse(readFileSync(new URL(`${name}/expect.json`, traces), 'utf8')) as Expectation;
