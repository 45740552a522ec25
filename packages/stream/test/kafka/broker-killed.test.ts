import assert from 'node:assert/strict';
import { it } from 'node:test';
import { backSoon, startKafka } from '../../../../test/servers/kafka.ts';
import { MissingTool } from '../../../../test/servers/tools.ts';
import { StreamError } from '../../src/errors.ts';
import type { KafkaLog } from '../../src/kafka/log.ts';
import { everything, makeTopics, recordOf, until } from './support.ts';

const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
const partitions = 3;
const perKey = 150;

/** One after the other, each until it is acknowledged: as a stage publishes. */
async function write(log: KafkaLog, key: string, written: () => void, signal: AbortSignal): Promise<void> {
	for (let n = 0; n < perKey && !signal.aborted; )
		try {
			await log.append([recordOf('trace', key, `${key}${n}`, n), recordOf('session', key, `${key}${n}`, n)]);
			n += 1;
			written();
		} catch (error) {
			assert.ok(error instanceof StreamError && error.code === 'unavailable', String(error));
		}
}

async function follow(
	log: KafkaLog,
	partition: number,
	seen: Map<string, number[]>,
	signal: AbortSignal,
): Promise<void> {
	for (let at = 0; !signal.aborted; )
		try {
			const records = await log.read('trace', partition, at, { records: 50, bytes: 1 << 20 });
			for (const { key, value, offset } of records) {
				assert.ok(offset >= at, `${offset} after ${at}`);
				at = offset + 1;
				const list = seen.get(key) ?? [];
				seen.set(key, list);
				list.push(Number(Buffer.from(value).toString().slice(1)));
			}
			if (records.length === 0) await log.waitForRecord('trace', partition, at, signal);
		} catch (error) {
			assert.ok(error instanceof StreamError && error.code === 'unavailable', String(error));
		}
}

it('loses nothing and keeps the order when the broker is killed twice under it', { timeout: 240_000 }, async (t) => {
	let broker: Awaited<ReturnType<typeof startKafka>>;
	try {
		broker = await startKafka({ properties: backSoon });
	} catch (error) {
		if (error instanceof MissingTool) return t.skip(error.message);
		throw error;
	}
	t.after(() => broker[Symbol.asyncDispose]());
	const topics = await makeTopics([broker.brokers], { trace: partitions });
	const options = { appendTimeoutMs: 3_000, requestTimeoutMs: 3_000, sessionTimeoutMs: 3_000 };
	const writer = await topics.open(options);
	const reader = await topics.open(options);
	const stop = new AbortController();
	t.after(() => stop.abort());

	const told: number[][] = [];
	const member = await reader.join('follow', 'trace', (assigned) => told.push([...assigned]));
	await until('all partitions assigned', () => told.at(-1)?.length === partitions);

	let count = 0;
	const seen = new Map<string, number[]>();
	const following = Array.from({ length: partitions }, (_, p) => follow(reader, p, seen, stop.signal));
	const writing = keys.map((key) => write(writer, key, () => (count += 1), stop.signal));
	for (const share of [0.2, 0.6]) {
		await until(`${share} written`, () => count >= share * keys.length * perKey);
		await broker.kill9();
		await new Promise((resolve) => setTimeout(resolve, 2_000));
		await assert.rejects(reader.check(), (error) => error instanceof StreamError && error.code === 'unavailable');
		await broker.start();
	}
	await Promise.all(writing);
	await until('all followed', () => keys.every((key) => seen.get(key)?.at(-1) === perKey - 1));
	await until('assigned again', () => told.at(-1)?.length === partitions);
	await reader.saveLowWater('follow', 'trace', 0, 17);
	await reader.check();
	stop.abort();
	await Promise.all(following);
	await member.leave();
	assert.equal(await writer.lowWater('follow', 'trace', 0), 17);

	for (const key of keys) {
		// Copies are allowed; a record that comes before its predecessor, or never, is not.
		let next = 0;
		for (const n of seen.get(key) ?? []) {
			assert.ok(n <= next, `${key}: ${n} before ${next}`);
			if (n === next) next += 1;
		}
		assert.equal(next, perKey, key);
	}
	for (const topic of ['trace', 'session'] as const)
		for (let p = 0; p < writer.partitions(topic); p++) {
			const { start, end } = await writer.bounds(topic, p);
			assert.equal(start, 0);
			assert.ok((await writer.read(topic, p, 0, everything)).length <= end);
		}
	await topics.dispose();
});
