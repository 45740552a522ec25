import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { deadLetterCodec } from '@affidavit/model/codec.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import type { Origin, StampedRecord } from '../../src/ports.ts';
import type { RunnerOptions, RunnerPorts } from '../../src/runner/options.ts';
import { openPartition } from '../../src/runner/partition-runner.ts';
import { readTopic } from '../../src/runner/read-topic.ts';
import { createKeyedSeals } from '../../src/seal/keyed-seals.ts';
import type { Stage } from '../../src/stage.ts';
import type { BatchSpan } from '../../src/tracing.ts';
import { createWorld, echoStage, feed, out, pumpAll, readAll, resultOf, text, texts } from './support.ts';

const keys = new Map(
	['echo', 'judge', 'mallory'].map((stage) => {
		const { privateKey } = generateKeyPairSync('ed25519');
		return [stage, { privateKey, publicKey: createPublicKey(privateKey), keyId: `key of ${stage}` }] as const;
	}),
);
const sealsOf = (stage: string) =>
	createKeyedSeals({
		own: keys.get(stage) ?? null,
		resolve: (keyId) => {
			const [name, key] = [...keys].find(([, k]) => k.keyId === keyId) ?? [];
			return key && name !== 'mallory' ? { publicKey: key.publicKey, writes: (_, stage) => stage === name } : undefined;
		},
	});

/** session → verdict. */
const judge = (steps: string[] = []): Stage => ({
	name: 'judge',
	input: 'session',
	outputs: ['verdict'],
	open: async () => ({
		step: async (records) => {
			steps.push(...records.map(text));
			const outputs = records.map((r) => ({ offset: r.offset, records: [out('verdict', `judged ${text(r)}`)] }));
			return resultOf(records, { outputs });
		},
	}),
});

const sessionFrom = (value: string, offset: number, over: Partial<Origin> = {}) => ({
	...out('session', value),
	origin: { stage: 'echo', partition: 0, offset, index: 0, ...over },
});
const sealed = (record: ReturnType<typeof sessionFrom>, by = 'echo'): StampedRecord => ({
	...record,
	seal: sealsOf(by).seal(record),
});

async function run(stage: Stage, ports: RunnerPorts, options: RunnerOptions = {}): Promise<void> {
	assert.equal(await pumpAll(await openPartition(stage, 0, ports, options)), 'idle');
}

describe('sealed records', () => {
	it('are what a stage writes, dead letters and all, and what the next one takes', async () => {
		const world = createWorld();
		await feed(world.log, ['a', 'poison', 'b']);
		const echo = echoStage((records) => {
			if (records.some((r) => text(r) === 'poison')) throw new Error('a bug');
			return undefined;
		});
		await run(echo, { ...world, seals: sealsOf('echo') });
		await run(judge(), { ...world, seals: sealsOf('judge') });
		assert.deepEqual(await texts(world.log, 'verdict'), ['judged <a>', 'judged <b>']);
		const [letter] = await readAll(world.log, 'deadletter');
		assert.equal(letter && sealsOf('judge').check(letter), null);
	});

	it('of others are dead-lettered, reach no stage, and say nothing of what was seen', async () => {
		const world = createWorld();
		const forged = [
			sessionFrom('unsealed', 5),
			sealed(sessionFrom('by judge', 900), 'judge'),
			sealed(sessionFrom('by mallory', 901), 'mallory'),
			{ ...sessionFrom('altered', 7), seal: sealsOf('echo').seal(sessionFrom('was', 7)) },
			sessionFrom('a huge origin', Number.MAX_SAFE_INTEGER),
		];
		await world.log.append([sealed(sessionFrom('one', 0)), ...forged, sealed(sessionFrom('two', 6))]);
		const steps: string[] = [];
		const ports = { ...world, seals: sealsOf('judge') };
		await run(judge(steps), ports);
		assert.deepEqual(steps, ['one', 'two']);
		const letters = (await readAll(world.log, 'deadletter')).map((r) => deadLetterCodec.decode(r.value));
		assert.deepEqual(
			letters.map(({ code, origin, digest, subject }) => [code, origin, digest, subject]),
			['unsealed', 'wrong-sealer', 'unknown-sealer', 'bad-seal', 'unsealed'].map((code, i) => [
				code,
				`session/0/${i + 1}`,
				sha256Hex(forged[i]?.value ?? ''),
				'k',
			]),
		);
		assert.equal(world.count('forged_records'), 5);
		// Neither after a restart, nor in a replay, nor after the store was lost.
		await world.log.append([sealed(sessionFrom('three', 8))]);
		world.store.clear();
		await run(judge(steps), ports);
		assert.deepEqual(await texts(world.log, 'verdict'), ['judged one', 'judged two', 'judged three']);
		assert.equal((await readAll(world.log, 'deadletter')).length, 5);
		const read: string[] = [];
		for await (const record of readTopic(world.log, 'session', 0, ports.seals)) read.push(text(record));
		assert.deepEqual(read, ['one', 'two', 'three']);
	});

	it('that were refused are left out of a replay too', async () => {
		const world = createWorld();
		const ports = { ...world, seals: sealsOf('judge') };
		await world.log.append([sealed(sessionFrom('a', 0)), sessionFrom('forged', 1), sealed(sessionFrom('b', 2))]);
		const replays: string[] = [];
		const held: Stage = {
			...judge(),
			open: async () => ({
				step: async (records, replayed) => {
					if (replayed) replays.push(...records.map(text));
					return resultOf(records, { outputs: [], lowWaterOffset: 0, rebuildOffset: 0 });
				},
			}),
		};
		await run(held, ports);
		await run(held, ports);
		assert.deepEqual(replays, ['a', 'b']);
	});

	it('with a forged origin make no stage keep back its outputs', async () => {
		const world = createWorld();
		const ports = { ...world, seals: sealsOf('echo') };
		await feed(world.log, ['a', 'b']);
		for (const by of [null, 'judge', 'mallory'])
			for (const offset of [1e6, Number.MAX_SAFE_INTEGER]) {
				const record = sessionFrom('forged', offset);
				await world.log.append([by === null ? record : sealed(record, by)]);
			}
		await run(echoStage(), ports);
		const read: string[] = [];
		for await (const record of readTopic(world.log, 'session', 0, ports.seals)) read.push(text(record));
		assert.deepEqual(read, ['<a>', '<b>']);
	});
});

describe('a stage that tells copies itself', () => {
	it('is given every record, and what its origin claims is not remembered', async () => {
		const world = createWorld();
		const echo: Stage = { ...echoStage(), duplicates: 'stage' };
		await feed(world.log, ['forged'], 1e9);
		await feed(world.log, ['a', 'b']);
		await feed(world.log, ['b', 'c'], 1);
		await run(echo, world);
		assert.deepEqual(await texts(world.log, 'session'), ['<forged>', '<a>', '<b>', '<b>', '<c>']);
		assert.deepEqual([...(await world.store.load({ stage: 'echo', partition: 0 })).cells.keys()], []);
		world.store.clear();
		await feed(world.log, ['d'], 3);
		await run(echo, world);
		assert.deepEqual((await texts(world.log, 'session')).at(-1), '<d>');
		assert.equal((await world.log.bounds('session', 0)).end, 6);
	});

	it('is shown what lies before the low water when its store was lost, to know the copies that may come', async () => {
		const world = createWorld();
		const learnt: string[] = [];
		const seen = new Set<string>();
		const echo: Stage = {
			...echoStage(),
			duplicates: 'stage',
			open: async () => ({
				step: async (records) => {
					const fresh = records.filter((r) => !seen.has(text(r)));
					const outputs = fresh.map((r) => ({ offset: r.offset, records: [out('session', `<${text(r)}>`)] }));
					for (const r of records) seen.add(text(r));
					return resultOf(records, { outputs });
				},
				learn: async (records) => {
					learnt.push(...records.map(text));
					for (const r of records) seen.add(text(r));
				},
			}),
		};
		await feed(world.log, ['a', 'b']);
		await run(echo, world);
		assert.deepEqual(learnt, []);
		world.store.clear();
		seen.clear();
		await feed(world.log, ['a', 'b', 'c']);
		await run(echo, world);
		assert.deepEqual(learnt, ['a', 'b']);
		assert.deepEqual(await texts(world.log, 'session'), ['<a>', '<b>', '<c>']);
	});
});

describe('tracing', () => {
	const traceparent = (n: number): string => `00-${String(n).padStart(32, '0')}-${String(n).padStart(16, '0')}-01`;

	it('gives a span a batch, linked to what caused it, and outputs that name it', async () => {
		const world = createWorld();
		const spans: unknown[] = [];
		const tracing = {
			startBatch: (stage: string, links: readonly string[], attributes: object): BatchSpan => {
				const span = { stage, links, attributes, outcome: '' };
				spans.push(span);
				return {
					traceparent: traceparent(100 + spans.length),
					end: (outcome) => {
						span.outcome = outcome;
					},
				};
			},
		};
		const inputs = [1, 2, 2].map((n, i) => ({
			...out('trace', `${i}`),
			origin: { stage: 'ingest:x', partition: 0, offset: i, index: 0 },
			traceparent: traceparent(n),
		}));
		await world.log.append([...inputs, ...inputs.slice(0, 1)]);
		await run(echoStage(), { ...world, tracing });
		assert.deepEqual(spans, [
			{
				stage: 'echo',
				links: [traceparent(1), traceparent(2)],
				attributes: { partition: 0, offset: 0, records: 4, admitted: 3 },
				outcome: 'ok',
			},
		]);
		const written = await readAll(world.log, 'session');
		assert.deepEqual(new Set(written.map((r) => r.traceparent)), new Set([traceparent(101)]));
	});
});
