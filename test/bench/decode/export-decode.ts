// Export lines: our decoder against JSON.parse of the same lines, which are strings already.
// Each line once per round, by a decoder that starts with empty caches: processes and shapes are new as often as in reality.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { createJsonDecoder } from '@affidavit/ingest/json/decoder.ts';
import { contest, type DecodeBench } from './rounds.ts';

const streams = [
	'01b-go-clean-warm',
	'02a-go-swap',
	'02b-go-ptrace',
	'03-go-trojan-compiler',
	'04-c-make',
	'05-npm',
	'06-two-builds',
	'07-net-foreign',
];

export function benchExportDecode(): DecodeBench {
	const lines = streams.flatMap(streamLines);
	const texts = lines.map((line) => line.toString('utf8'));
	return contest({
		count: lines.length,
		ours() {
			const decoder = createJsonDecoder();
			let events = 0;
			for (const line of lines) if (decoder.decode(line).kind === 'event') events++;
			if (events !== lines.length) throw new Error(`expected ${lines.length} events, found ${events}`);
			return events;
		},
		peer() {
			let objects = 0;
			for (const text of texts) if (JSON.parse(text) !== null) objects++;
			return objects;
		},
		// With the warm-up a million lines each.
		rounds: 15,
		warmUpRounds: 5,
	});
}

function streamLines(name: string): Buffer[] {
	const text = gunzipSync(readFileSync(new URL(`../../fixtures/traces/${name}/events.jsonl.gz`, import.meta.url)));
	const lines: Buffer[] = [];
	let start = 0;
	for (let end = text.indexOf(10); end >= 0; end = text.indexOf(10, start)) {
		lines.push(text.subarray(start, end));
		start = end + 1;
	}
	return lines;
}
