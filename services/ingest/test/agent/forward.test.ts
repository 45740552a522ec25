import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { StreamError } from '@affidavit/stream/errors.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import { createKeyedSeals } from '@affidavit/stream/seal/keyed-seals.ts';
import fc from 'fast-check';
import { createForwarder } from '../../src/agent/forward.ts';
import { retryMs, withinBytes } from '../../src/agent/forward-plan.ts';
import { testKey } from '../source/test-key.ts';
import {
	type Failure,
	fastLimits,
	forwardOptions,
	letter,
	newFolder,
	recordsOf,
	remoteThat,
	sourceOf,
	spoolAt,
	textsOf,
	trace,
	withoutCopies,
} from './spool-samples.ts';

const never = new AbortController().signal;
const done = Promise.resolve();

describe('the forwarder', () => {
	it('sends what is spooled in order, under the host name, and seals the dead letters alone', async () => {
		const spool = await spoolAt(newFolder());
		const source = await sourceOf(spool);
		const key = testKey();
		const resolve = () => ({
			publicKey: key.publicKey,
			writes: (topic: string, stage: string) => topic === 'deadletter' && stage === 'ingest:h1',
		});
		const seals = createKeyedSeals({ own: key, resolve });
		const remote = remoteThat(() => 'none');
		for (let i = 0; i < 20; i++)
			await source.commit({ cells: new Map(), records: [trace(`t${2 * i}`), letter(`d${i}`), trace(`t${2 * i + 1}`)] });
		const forwarder = createForwarder(forwardOptions(spool, remote, { seals }));
		assert.equal(await forwarder.run(done, never), 'drained');
		const traces = await recordsOf(remote.log, 'trace');
		const letters = await recordsOf(remote.log, 'deadletter');
		assert.deepEqual(
			textsOf(traces),
			Array.from({ length: 40 }, (_, i) => `t${i}`),
		);
		assert.deepEqual(traces[3]?.origin, { stage: 'ingest:h1', partition: 7, offset: 1, index: 2 });
		assert.ok(traces.every((record) => record.seal === null));
		assert.equal(letters.length, 20);
		for (const record of letters) assert.equal(seals.check(record), null);
		assert.equal(seals.check({ ...(letters[0] as LogRecord), value: Buffer.from('other') })?.code, 'bad-seal');
		assert.deepEqual(spool.backlog(), { records: 0, bytes: 0 });
		await spool.close();
	});

	it('goes on when the disk is too full to note what was sent', async () => {
		const folder = newFolder();
		const spool = await spoolAt(folder);
		const source = await sourceOf(spool);
		const remote = remoteThat(() => 'none');
		let full = true;
		const saveLowWater = async (...call: Parameters<typeof spool.log.saveLowWater>): Promise<void> => {
			if (full) throw new StreamError('log-full', 'the disk is full');
			await spool.log.saveLowWater(...call);
		};
		const { emit, count } = collectingEmit();
		const forwarder = createForwarder(
			forwardOptions({ ...spool, log: { ...spool.log, saveLowWater } }, remote, { emit }),
		);
		await source.commit({ cells: new Map(), records: [trace('a')] });
		const until = Promise.withResolvers<void>();
		const running = forwarder.run(until.promise, never);
		while ((await recordsOf(remote.log, 'trace')).length < 1) await sleep(2);
		full = false;
		await source.commit({ cells: new Map(), records: [trace('b')] });
		until.resolve();
		assert.equal(await running, 'drained');
		assert.deepEqual(textsOf(await recordsOf(remote.log, 'trace')), ['a', 'b'], 'sent once');
		assert.equal(count('acknowledgements_unsaved'), 1);
		assert.equal(await spool.log.lowWater('forward', 'trace', 0), 2);
		await spool.close();
	});

	it('loses nothing and keeps the order, whatever the remote log did with an append that failed', async () => {
		const failures = fc.array(fc.constantFrom<Failure>('none', 'nothing-taken', 'some-taken', 'all-taken', 'refused'), {
			maxLength: 12,
		});
		await fc.assert(
			fc.asyncProperty(
				failures,
				fc.integer({ min: 1, max: 40 }),
				fc.integer({ min: 3, max: 60 }),
				async (script, count, bytes) => {
					const spool = await spoolAt(newFolder());
					const source = await sourceOf(spool);
					let at = 0;
					const remote = remoteThat(() => script[at++] ?? 'none');
					const limits = { ...fastLimits, bytes };
					const writing = (async () => {
						for (let i = 0; i < count; i++)
							await source.commit({ cells: new Map(), records: [trace(`t${i}`), letter(`d${i}`)] });
					})();
					// Two forwarders one after the other: the second goes on from what the first had acknowledged.
					const stop = new AbortController();
					setTimeout(() => stop.abort(), 3);
					await createForwarder(forwardOptions(spool, remote, { limits })).run(writing, stop.signal);
					await createForwarder(forwardOptions(spool, remote, { limits })).run(writing, never);
					await writing;
					for (const topic of ['trace', 'deadletter'] as const)
						assert.deepEqual(
							textsOf(withoutCopies(await recordsOf(remote.log, topic))),
							Array.from({ length: count }, (_, i) => `${topic[0]}${i}`),
						);
					assert.equal(spool.backlog().records, 0);
					await spool.close();
				},
			),
			{ numRuns: 60 },
		);
	});

	it('says an outage once in a while, not at each try, and when it is over', async () => {
		const spool = await spoolAt(newFolder());
		const source = await sourceOf(spool);
		await source.commit({ cells: new Map(), records: [trace('a')] });
		let tries = 0;
		const remote = remoteThat(() => (++tries <= 20 ? 'nothing-taken' : 'none'));
		const { emit, events, count } = collectingEmit();
		const forwarder = createForwarder(forwardOptions(spool, remote, { emit }));
		const running = forwarder.run(done, never);
		while (tries < 5) await sleep(1);
		assert.deepEqual([forwarder.state().state, forwarder.state().lastError], ['retrying', 'unavailable']);
		await running;
		assert.equal(count('forward_delayed'), 1);
		assert.deepEqual(
			events.map(({ name, intentional }) => [name, intentional]),
			[
				['forward_delayed', false],
				['forward_resumed', true],
			],
		);
		assert.deepEqual([forwarder.state().state, forwarder.state().lastError], ['idle', null]);
		await spool.close();
	});

	it('stops at once while the remote log does not answer, and sends it again later', async () => {
		const spool = await spoolAt(newFolder());
		const source = await sourceOf(spool);
		await source.commit({ cells: new Map(), records: [trace('a')] });
		const hanging = { ...remoteThat(() => 'none'), append: () => new Promise<void>(() => {}) };
		const stop = new AbortController();
		const running = createForwarder(forwardOptions(spool, hanging)).run(done, stop.signal);
		setTimeout(() => stop.abort(), 20);
		assert.equal(await running, 'stopped');
		assert.equal(spool.backlog().records, 1);
		const remote = remoteThat(() => 'none');
		assert.equal(await createForwarder(forwardOptions(spool, remote)).run(done, never), 'drained');
		assert.deepEqual(textsOf(await recordsOf(remote.log, 'trace')), ['a']);
		await spool.close();
	});

	it('ends with a bug, and not with an outage', async () => {
		const spool = await spoolAt(newFolder());
		const source = await sourceOf(spool);
		await source.commit({ cells: new Map(), records: [trace('a')] });
		const broken = { ...remoteThat(() => 'none'), append: () => Promise.reject(new TypeError('a bug')) };
		await assert.rejects(createForwarder(forwardOptions(spool, broken)).run(done, never), /a bug/);
		await spool.close();
	});

	it('holds dead letters back until the host is known', async () => {
		const spool = await spoolAt(newFolder());
		const source = await sourceOf(spool);
		await source.commit({ cells: new Map(), records: [letter('d0')] });
		const remote = remoteThat(() => 'none');
		let host = '';
		const stop = new AbortController();
		const forwarder = createForwarder(forwardOptions(spool, remote, { host: () => host }));
		const running = forwarder.run(new Promise(() => {}), stop.signal);
		await sleep(20);
		assert.equal((await recordsOf(remote.log, 'deadletter')).length, 0);
		host = 'h9';
		await source.commit({ cells: new Map(), records: [trace('t0', 'h9')] });
		while ((await recordsOf(remote.log, 'deadletter')).length === 0) await sleep(2);
		stop.abort();
		await running;
		assert.equal((await recordsOf(remote.log, 'deadletter'))[0]?.origin?.stage, 'ingest:h9');
		await spool.close();
	});

	it('bounds what goes into one append, and lets one larger record pass', async () => {
		const spool = await spoolAt(newFolder());
		const source = await sourceOf(spool);
		for (const size of [10, 10, 500, 10, 10, 90]) {
			await source.commit({ cells: new Map(), records: [trace('x'.repeat(size))] });
		}
		const remote = remoteThat(() => 'none');
		await createForwarder(forwardOptions(spool, remote, { limits: { ...fastLimits, bytes: 100 } })).run(done, never);
		assert.deepEqual(remote.appends, [20, 500, 20, 90]);
		await spool.close();
	});
});

describe('the plan of forwarding', () => {
	it('takes at least one record, and never more bytes than asked for otherwise', () => {
		fc.assert(
			fc.property(fc.array(fc.nat(50), { maxLength: 20 }), fc.nat(100), (sizes, max) => {
				const records = sizes.map((size) => ({ value: new Uint8Array(size) }) as LogRecord);
				const taken = withinBytes(records, max);
				const bytes = taken.reduce((sum, { value }) => sum + value.byteLength, 0);
				assert.ok(taken.length <= 1 || bytes <= max);
				assert.ok(taken.length > 0 || records.length === 0);
			}),
		);
	});

	it('waits longer each time up to a bound, at least half of it', () => {
		const limits = { retryMsMin: 100, retryMsMax: 5000 };
		assert.equal(retryMs(0, 0, limits), 50);
		assert.equal(retryMs(3, 0.5, limits), 600);
		for (const attempt of [6, 100, 1e9]) assert.ok(retryMs(attempt, 0.999, limits) <= 5000);
	});
});
