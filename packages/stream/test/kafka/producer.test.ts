import assert from 'node:assert/strict';
import { it } from 'node:test';
import { StreamError } from '../../src/errors.ts';
import { everything, givenTopics, recordOf, textsOf } from './support.ts';

it('passes 8 MiB, refuses what is larger by its size, and lets the calls beside it through', async (t) => {
	const topics = await givenTopics(t);
	if (topics === null) return;
	const log = await topics.open({ compression: 'none' });
	const large = Buffer.alloc(8 << 20, 1);
	const tooLarge = Buffer.alloc(11 << 20, 2);
	const calls = await Promise.allSettled([
		log.append([recordOf('trace', 'k', 'a')]),
		log.append([recordOf('trace', 'k', 'b'), recordOf('session', 'k', tooLarge), recordOf('trace', 'k', 'c')]),
		log.append([recordOf('trace', 'k', 'd'), recordOf('finding', 'k', large)]),
		log.append([recordOf('trace', 'k', 'e')]),
	]);
	assert.deepEqual(
		calls.map((call) => call.status),
		['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
	);
	const { reason } = calls[1] as PromiseRejectedResult;
	assert.ok(reason instanceof StreamError && reason.code === 'refused', String(reason));
	assert.match(reason.message, new RegExp(`${tooLarge.length} bytes`));
	const [found] = await log.read('finding', 0, 0, { records: 1, bytes: 1 });
	assert.equal(Buffer.compare(found?.value ?? Buffer.alloc(0), large), 0);
	assert.deepEqual(await log.bounds('session', 0), { start: 0, end: 0 });
	const read = textsOf(await log.read('trace', 0, 0, everything));
	assert.deepEqual(
		read.filter((text) => text !== 'b'),
		['a', 'd', 'e'],
	);
});

it('keeps the order of calls made at once, whatever requests they share', async (t) => {
	const topics = await givenTopics(t, { trace: 2 });
	if (topics === null) return;
	const log = await topics.open({ sendBytesMax: 10_000 });
	const wanted = new Map<string, string[]>([
		['a', []],
		['b', []],
	]);
	const calls: Promise<void>[] = [];
	for (let n = 0; n < 200; n++)
		for (const key of ['a', 'b']) {
			const text = `${key}${n} ${'x'.repeat(n * 7)}`;
			wanted.get(key)?.push(text);
			calls.push(log.append([recordOf('trace', key, text, n)]));
		}
	await Promise.all(calls);
	const read = [...(await log.read('trace', 0, 0, everything)), ...(await log.read('trace', 1, 0, everything))];
	for (const [key, texts] of wanted) assert.deepEqual(textsOf(read.filter((r) => r.key === key)), texts);
	assert.equal(log.stats().appending, 0);
});

it('says unavailable when nobody answers, and topic-unfit for a topic that is not there', async (t) => {
	const topics = await givenTopics(t);
	if (topics === null) return;
	await assert.rejects(topics.open({ brokers: ['127.0.0.1:1'], connectTimeoutMs: 500 }), isCode('unavailable'));
	await assert.rejects(topics.open({ topicPrefix: 'nowhere.', topics: ['trace'] }), isCode('topic-unfit'));
	const log = await topics.open({ topicPrefix: 'nowhere.' });
	assert.throws(() => log.partitions('trace'), isCode('topic-unfit'));
	await assert.rejects(log.append([recordOf('trace', 'k', 'v')]), isCode('topic-unfit'));
	await assert.rejects(log.read('trace', 0, 0, everything), isCode('topic-unfit'));
});

const isCode =
	(code: string) =>
	(error: unknown): boolean =>
		error instanceof StreamError && error.code === code;
