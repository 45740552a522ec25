// Bounds, options and stored state.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CorrelateOptions } from '../src/stage.ts';
import { createCorrelateStage } from '../src/stage.ts';
import { createAgent, createStage, recordsOf, resolveKey, run } from './support/pipeline.ts';
import { decodeStream } from './support/recorded.ts';
import { build, chainOf, only, reasons, restarting } from './support/small-build.ts';
import { githubEnvironment, tell } from './support/story.ts';

test('the state is bounded: a session with many reads keeps nothing per file', async () => {
	const story = tell();
	const init = story.old('/sbin/init', undefined, { pid: 1 });
	const shell = story.exec(init, '/bin/bash', { environment: githubEnvironment('7') });
	const cells = new Map<string, Uint8Array>();
	const { stage } = createStage({ limits: { digests: 64, skewUs: 0 } });
	const worker = await stage.open(0, new Map());
	const agent = createAgent('host');
	for (let round = 0; round < 20; round++) {
		const from = story.events.length;
		for (let i = 0; i < 500; i++) story.read(shell, `/ws/${round}/${i}`, `${round}-${i}`, `content ${round} ${i}`);
		const result = await worker.step([agent.record(story.events.slice(from))], false);
		for (const [key, value] of result.cells)
			if (value === null) cells.delete(key);
			else cells.set(key, value);
	}
	const bytes = [...cells.values()].reduce((sum, value) => sum + value.byteLength, 0);
	assert.ok(cells.size < 20, String(cells.size));
	assert.ok(bytes < 100_000, String(bytes));
});

test('limits give gaps, never silence', async () => {
	const { cuts } = build();
	const limited = only(await run(chainOf(cuts), { limits: { facts: 5, contents: 4 } }));
	assert.deepEqual([...new Set(limited.gaps.map((g) => g.cause))].sort(), ['session-limit', 'state-evicted']);
	assert.equal(limited.files.length, 5);
	const refused = await run(chainOf(cuts), { limits: { sessions: 0 } });
	assert.deepEqual(reasons(refused), ['sessions_refused/limit']);
	const small = await run(chainOf(cuts), { limits: { processes: 1, reorderEvents: 2 } });
	assert.ok(reasons(small).includes('events_released_early/limit'));
	assert.equal(only(small).closed?.reason, 'end_of_input');
	const short = await run(chainOf(cuts), { limits: { reorderText: 10 } });
	assert.ok(reasons(short).includes('events_released_early/limit'));
	assert.ok(reasons(short).includes('duplicate_memory_forgotten/limit'));
});

test('a record that touches very much gives several linked batches', async () => {
	const { cuts } = build();
	const options: Partial<CorrelateOptions> = { limits: { batchFacts: 4 } };
	const cut = await run(chainOf([cuts.flat()]), options);
	assert.ok((cut.batches.values().next().value?.length ?? 0) > 4);
	assert.deepEqual(only(cut), only(await run(chainOf(cuts))));
});

test('options are checked', () => {
	assert.throws(() => createCorrelateStage({ resolveKey, emit: () => {}, limits: { skewUs: -1 } }), {
		code: 'bad-option',
		message: /limits\.skewUs/,
	});
});

test('a corrupt cell is named', async () => {
	const { stage } = createStage();
	await assert.rejects(stage.open(0, new Map([['h/host/', Buffer.from('{')]])), {
		code: 'corrupt-cell',
		message: /h\/host/,
	});
});

test('a restart with every table at its bound gives the same bytes', async () => {
	const { host, decoded } = decodeStream('07-net-foreign');
	const records = recordsOf(host, decoded, 150);
	const limits = { digests: 40, contents: 30, processes: 20, reorderEvents: 50, batchFacts: 50, skewUs: 100_000 };
	const straight = await run(records, { limits });
	assert.ok(reasons(straight).includes('contents_evicted/limit'));
	assert.deepEqual((await restarting(records, { limits })).batches, straight.batches);
});
