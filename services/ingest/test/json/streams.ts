// The recorded streams as lines of bytes.
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const root = new URL('../../../../test/fixtures/traces/', import.meta.url);

export const streamNames = (): string[] => readdirSync(root).sort();

/** Views into one buffer, without the newline. */
export function streamLines(name: string): Buffer[] {
	const text = gunzipSync(readFileSync(new URL(`${name}/events.jsonl.gz`, root)));
	const lines: Buffer[] = [];
	let start = 0;
	for (let end = text.indexOf(10); end >= 0; end = text.indexOf(10, start)) {
		lines.push(text.subarray(start, end));
		start = end + 1;
	}
	return lines;
}

export const sampleMessages = (): Buffer => readFileSync(new URL('grpc-sample/events.binpb', root));
