// The same events give the same statements, however they arrive: again, shuffled within the skew, doubled, cut otherwise.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { fixtures, processFiles, type SessionObject, temporaryFolder } from './affidavit.ts';
import { processOptions, readExpectation } from './expectation.ts';
import { seededRandom } from './random.ts';

const stream = '02a-go-swap';
const lines = gunzipSync(readFileSync(join(fixtures, stream, 'events.jsonl.gz')))
	.toString()
	.trimEnd()
	.split('\n');

const identities = (sessions: readonly SessionObject[]): string[] =>
	sessions.flatMap((s) => s.statements.map((x) => `${s.session} ${x.predicateType} ${x.payloadSha256}`)).sort();

async function statements(
	t: Parameters<typeof processFiles>[0] & { after: (fn: () => void) => void },
	text: string,
	extra: string[] = [],
): Promise<string[]> {
	const data = temporaryFolder(t);
	const file = join(data, 'events.jsonl');
	writeFileSync(file, text);
	const { run, sessions } = await processFiles(t, [file], {
		...processOptions(stream, readExpectation(stream), data),
		extra,
	});
	assert.equal(run.code, 1, run.stderr);
	return identities(sessions);
}

const timeOf = (line: string): number => Date.parse(line.slice(line.lastIndexOf('"time":"') + 8, -2));

/** Moves every line by up to `skewMs` of event time, so that nothing is late by more than the correlator's skew. */
function shuffleWithin(skewMs: number, seed: number): string[] {
	const random = seededRandom(seed);
	return lines
		.map((line) => ({ line, at: timeOf(line) + random() * skewMs }))
		.sort((a, b) => a.at - b.at)
		.map((x) => x.line);
}

test('determinism: again, shuffled within the skew, doubled, cut into other batches: the same statements', async (t) => {
	const plain = await statements(t, `${lines.join('\n')}\n`);
	assert.ok(plain.length >= 4);
	assert.deepEqual(await statements(t, `${lines.join('\n')}\n`), plain, 'again');
	for (const seed of [1, 2])
		assert.deepEqual(
			await statements(t, `${shuffleWithin(5_000, seed).join('\n')}\n`),
			plain,
			`shuffled, seed ${seed}`,
		);
	const random = seededRandom(3);
	const doubled = shuffleWithin(4_000, 4).flatMap((line) => (random() < 0.3 ? [line, line] : [line]));
	assert.deepEqual(await statements(t, `${doubled.join('\n')}\n`), plain, 'doubled');
	for (const size of ['7', '313'])
		assert.deepEqual(
			await statements(t, `${lines.join('\n')}\n`, ['--batch-events', size]),
			plain,
			`batches of ${size}`,
		);
});
