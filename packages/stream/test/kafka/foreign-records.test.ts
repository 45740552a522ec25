// What others may leave in a partition: holes, trimmed beginnings, records without our headers, batches made to hurt.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CompressionTypes, type Message } from 'kafkajs';
import { collectingEmit } from '../../src/internal-event.ts';
import { everything, givenTopics, recordOf, textsOf } from './support.ts';

it('reads over the holes that transactions leave, waits behind them, and goes on where a trimmed partition begins', async (t) => {
	const topics = await givenTopics(t);
	if (topics === null) return;
	const log = await topics.open();
	const producer = topics.kafka.producer({ transactionalId: topics.prefix, maxInFlightRequests: 1, idempotent: true });
	await producer.connect();
	t.after(() => producer.disconnect());
	for (const value of ['a', 'b']) {
		const transaction = await producer.transaction();
		await transaction.send({ topic: `${topics.prefix}trace`, messages: [{ key: 'k', value, partition: 0 }] });
		await transaction.commit();
	}
	const read = await log.read('trace', 0, 0, everything);
	assert.deepEqual(
		read.map((r) => r.offset),
		[0, 2],
	);
	assert.deepEqual(await log.bounds('trace', 0), { start: 0, end: 4 });
	assert.deepEqual(await log.read('trace', 0, 3, everything), []);
	assert.deepEqual(await log.read('trace', 0, 4, everything), []);

	const stop = new AbortController();
	let woken = false;
	const waiting = log.waitForRecord('trace', 0, 3, stop.signal).then(() => {
		woken = true;
	});
	await new Promise((resolve) => setTimeout(resolve, 600));
	assert.equal(woken, false, 'a hole is no record');
	await log.append([recordOf('trace', 'k', 'c')]);
	await waiting;
	assert.deepEqual(textsOf(await log.read('trace', 0, 3, everything)), ['c']);

	const admin = topics.kafka.admin();
	await admin.connect();
	// kafkajs deletes only in a topic that it knows.
	await admin.fetchTopicOffsets(`${topics.prefix}trace`);
	await admin.deleteTopicRecords({ topic: `${topics.prefix}trace`, partitions: [{ partition: 0, offset: '2' }] });
	await admin.disconnect();
	assert.deepEqual(await log.bounds('trace', 0), { start: 2, end: 5 });
	assert.deepEqual(textsOf(await log.read('trace', 0, 0, everything)), ['b', 'c']);
	assert.equal(await log.offsetAt('trace', 0, 0), 2);
});

it('takes records that are not ours for what they are', async (t) => {
	const topics = await givenTopics(t);
	if (topics === null) return;
	const log = await topics.open();
	const producer = topics.kafka.producer();
	await producer.connect();
	t.after(() => producer.disconnect());
	const own = { o: Buffer.from('0 1 2 correlate'), s: Buffer.alloc(96, 7), traceparent: 'x'.repeat(55) };
	const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`h${i}`, '']));
	const messages: Message[] = [
		{ key: 'k', value: 'ours', headers: own },
		{ key: null, value: null },
		{ key: Buffer.from([0xff, 0xfe]), value: 'v', headers: { o: Buffer.from('0 1 2'), s: Buffer.alloc(7) } },
		{ key: '__proto__', value: 'v', headers: { ['__proto__']: 'x', o: '0 01 2 s', traceparent: 'x'.repeat(1 << 20) } },
		{ key: 'k', value: 'v', headers: { o: ['0 1 2 a', '0 1 2 b'], s: ['x', 'y'] } },
		{ key: 'k', value: 'v', headers: { o: '-1 1 2 a', constructor: 'x', toString: 'y' } },
		{ key: 'k', value: 'many', headers: { ...own, ...many } },
	];
	for (const compression of [CompressionTypes.None, CompressionTypes.GZIP])
		for (const message of messages)
			await producer.send({ topic: `${topics.prefix}trace`, compression, messages: [{ ...message, partition: 0 }] });
	const started = performance.now();
	const read = await log.read('trace', 0, 0, everything);
	assert.ok(performance.now() - started < 5_000, 'a hundred thousand headers hold nobody up');
	assert.equal(read.length, 2 * messages.length);
	for (const first of [0, messages.length]) {
		assert.deepEqual({ ...read[first]?.origin }, { stage: 'correlate', partition: 0, offset: 1, index: 2 });
		assert.equal(read[first]?.seal?.keyId, '07'.repeat(32));
		assert.equal(read[first]?.traceparent?.length, 55);
		assert.equal(read[first + 1]?.key, '');
		assert.equal(read[first + 1]?.value.byteLength, 0);
		assert.equal(read[first + 3]?.key, '__proto__');
		for (let i = 1; i < messages.length; i++) {
			assert.equal(read[first + i]?.origin, null, `message ${i}`);
			assert.equal(read[first + i]?.seal, null);
			assert.equal(read[first + i]?.traceparent, null);
		}
	}
});

it('passes over a batch that grows past its bound, counts it, and reads what follows', async (t) => {
	const topics = await givenTopics(t);
	if (topics === null) return;
	const { emit, events } = collectingEmit();
	const log = await topics.open({ emit, batchBytesMax: 4 << 20 });
	const producer = topics.kafka.producer();
	await producer.connect();
	t.after(() => producer.disconnect());
	const topic = `${topics.prefix}trace`;
	await log.append([recordOf('trace', 'k', 'before')]);
	const bomb = Array.from({ length: 5 }, () => ({ key: 'k', value: Buffer.alloc(2 << 20), partition: 0 }));
	await producer.send({ topic, compression: CompressionTypes.GZIP, messages: bomb });
	const stop = new AbortController();
	t.after(() => stop.abort());
	const waiting = log.waitForRecord('trace', 0, 1, stop.signal);
	await log.append([recordOf('trace', 'k', 'after')]);
	await waiting;
	const read = await log.read('trace', 0, 1, everything);
	assert.deepEqual(
		read.map((r) => [r.offset, Buffer.from(r.value).toString()]),
		[[6, 'after']],
	);
	const whole = await log.read('trace', 0, 0, everything);
	assert.equal(textsOf(whole)[0], 'before');
	const [last] = await log.read('trace', 0, 5, everything);
	assert.equal(last?.offset, 6, 'also from the middle of it');
	const refused = events.filter((e) => e.name === 'log_batches_refused');
	assert.ok(refused.length >= 1);
	assert.equal(refused[0]?.count, 5);
});

it('takes an answer full of batches that each grow to their bound one by one', async (t) => {
	const topics = await givenTopics(t);
	if (topics === null) return;
	const batchBytesMax = 24 << 20;
	const { emit, count } = collectingEmit();
	const log = await topics.open({ emit, batchBytesMax });
	const producer = topics.kafka.producer();
	await producer.connect();
	t.after(() => producer.disconnect());
	const topic = `${topics.prefix}trace`;
	const bombs = 12;
	const bytes = 8 << 20;
	for (let i = 0; i < bombs; i++)
		await producer.send({
			topic,
			compression: CompressionTypes.ZSTD,
			messages: [{ key: 'k', value: Buffer.alloc(bytes), partition: 0 }],
		});
	const seen: number[] = [];
	for (let at = 0; at < bombs; ) {
		const page = await log.read('trace', 0, at, { records: 1, bytes: 1 });
		for (const { offset, value } of page) {
			assert.equal(value.byteLength, bytes);
			seen.push(offset);
			at = offset + 1;
		}
		assert.ok(page.length > 0);
		const { readAheadBytes } = log.stats();
		assert.ok(readAheadBytes <= batchBytesMax, `${readAheadBytes} bytes of one answer were held at once`);
	}
	assert.deepEqual(seen, [...Array(bombs).keys()]);
	assert.equal(count('log_batches_refused'), 0, 'none of them is too large by itself');
});

it('passes over a batch that is compressed as no writer of ours does it', async (t) => {
	const topics = await givenTopics(t);
	if (topics === null) return;
	const { emit, events } = collectingEmit();
	const log = await topics.open({ emit });
	await log.append([recordOf('trace', 'k', 'before')]);
	// kafkajs writes neither: the broker compresses anew as the topic says.
	const admin = topics.kafka.admin();
	await admin.connect();
	t.after(() => admin.disconnect());
	const set = async (value: string): Promise<void> => {
		await admin.alterConfigs({
			validateOnly: false,
			resources: [
				{
					type: 2,
					name: `${topics.prefix}trace`,
					configEntries: [
						{ name: 'compression.type', value },
						{ name: 'message.timestamp.type', value: 'LogAppendTime' },
					],
				},
			],
		});
		await new Promise((resolve) => setTimeout(resolve, 500));
	};
	for (const [i, value] of ['lz4', 'snappy'].entries()) {
		await set(value);
		await log.append([recordOf('trace', 'k', `${value} ${'x'.repeat(1000)}`, i + 1)]);
	}
	await set('producer');
	const stop = new AbortController();
	t.after(() => stop.abort());
	await log.append([recordOf('trace', 'k', 'after', 3)]);
	await log.waitForRecord('trace', 0, 1, stop.signal);
	const read = await log.read('trace', 0, 0, everything);
	const later = await log.read('trace', 0, 1, everything);
	assert.equal(textsOf(read)[0], 'before');
	assert.deepEqual(textsOf(later), ['after']);
	const refused = events.filter((e) => e.name === 'log_batches_refused');
	assert.ok(refused.length >= 2);
	assert.ok(refused.every((e) => e.count === 1));
});
