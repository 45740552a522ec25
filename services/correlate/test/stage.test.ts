// The stage on records: signatures, chain, hosts, restarts.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { keyIdOf, signBatch } from '@affidavit/model/batch-signature.ts';
import type { Facts } from '@affidavit/model/facts.ts';
import type { TraceBatch } from '@affidavit/model/generated/trace.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import { defaultLimits } from '../src/core/limits.ts';
import { factsList } from '../src/stage.ts';
import { createAgent, type Decoded, factsOf, run } from './support/pipeline.ts';
import { build, chainOf, codes, only, reasons, renumbered, restarting } from './support/small-build.ts';

test('facts are also appended to the session’s list, in the same bytes', async () => {
	const result = await run(chainOf(build().cuts));
	const [[session, batches]] = [...result.batches] as [[string, Uint8Array[]]];
	const appended = result.results.flatMap((r) => r.appends);
	assert.deepEqual(
		appended.map((a) => [a.list, a.value]),
		batches.map((bytes) => [factsList(session), bytes]),
	);
	assert.equal(factsList(session), `facts:${session}`);
});

test('a batch delivered twice is dropped', async () => {
	const whole = only(await run(chainOf(build().cuts)));
	const records = chainOf(build().cuts);
	const twice = await run(renumbered(records.flatMap((r) => [r, r])));
	assert.deepEqual(only(twice), whole);
	assert.deepEqual(reasons(twice), ['batches_dropped/duplicate']);
	assert.deepEqual(codes(twice), []);
});

test('a missing batch is a gap of the sessions that it may touch', async () => {
	const records = chainOf(build().cuts);
	const result = await run(renumbered(records.toSpliced(2, 1)));
	const { gaps } = only(result);
	assert.deepEqual(
		gaps.map((g) => [g.cause, g.detail]),
		[['chain-gap', '1 batches']],
	);
	assert.deepEqual(reasons(result), ['batches_missing/chain-gap']);
});

test('a gap that is filled before the close is none', async () => {
	const { cuts } = build();
	const records = chainOf(cuts);
	const swapped = renumbered([...records.slice(0, 3), records[4], records[3], ...records.slice(5)] as LogRecord[]);
	const result = await run(swapped);
	const facts = only(result);
	assert.deepEqual(facts.gaps, []);
	assert.ok(reasons(result).includes('batches_recovered/chain-gap'));
	assert.equal(facts.closed?.events, only(await run(records)).closed?.events);
});

test('another batch with a known sequence is refused, told and leaves a gap', async () => {
	const { story, cuts } = build();
	const forger = createAgent('host');
	const records = chainOf(cuts);
	const forged = [...cuts].map((cut) => forger.record(cut.slice(1)))[1] as LogRecord;
	const result = await run(renumbered([...records.slice(0, 2), forged, ...records.slice(2)]));
	assert.deepEqual(codes(result), ['batch-chain']);
	const facts = only(result);
	assert.deepEqual(
		facts.gaps.map((g) => [g.cause, g.detail]),
		[['chain-gap', 'fork']],
	);
	// Nobody knows which of the two is true, nor how late the refused one's events are.
	const [gap] = facts.gaps;
	assert.ok(gap && gap.toUs - gap.fromUs >= defaultLimits.skewUs);
	assert.equal(facts.closed?.events, story.events.length);
});

test('a batch that does not continue the chain is refused', async () => {
	const { cuts } = build();
	const records = chainOf(cuts);
	const other = createAgent('host');
	other.record([]);
	const stranger = other.record([]);
	const result = await run(renumbered([records[0], stranger, ...records.slice(1)] as LogRecord[]));
	assert.deepEqual(codes(result), ['batch-chain']);
});

test('no key, a wrong signature, another host’s word and garbage are dead letters, and nothing else is lost', async () => {
	const { story, cuts } = build();
	const records = chainOf(cuts);
	const pair = generateKeyPairSync('ed25519');
	const foreign = { privateKey: pair.privateKey, keyId: keyIdOf(pair.publicKey) };
	const batch: TraceBatch = {
		host: 'host',
		boot: 'recorded',
		source: 'file',
		sequence: 3,
		previous: Buffer.alloc(32),
		observedUs: 1,
		strings: [''],
		processes: [],
		events: [],
		losses: [],
		lossCounters: 'known',
		hooks: [],
		endOfInput: false,
	};
	const stamp = { timestampUs: -1, origin: null, seal: null, traceparent: null };
	const at = { topic: 'trace' as const, partition: 0, offset: 0, key: 'host', ...stamp };
	const third = records[2] as LogRecord;
	const bent = Uint8Array.from(third.value);
	bent[bent.length - 1] = (bent[bent.length - 1] as number) ^ 1;
	const wrongIndex = createAgent('host').record(cuts[0] as Decoded[], { strings: [''] });
	const result = await run(
		renumbered([
			...records.slice(0, 2),
			{ ...at, value: signBatch(batch, foreign).bytes },
			{ ...at, value: bent },
			{ ...third, key: 'other-host' },
			{ ...at, value: Buffer.from('garbage') },
			...records.slice(2),
			{ ...wrongIndex },
		]),
	);
	assert.deepEqual(codes(result), ['unknown-key', 'bad-signature', 'wrong-host', 'not-a-batch', 'not-a-batch']);
	const facts = only(result);
	assert.equal(facts.closed?.events, story.events.length);
	// Whoever may write to the topic must not make another host's sessions incomplete; a true batch that is missing shows in the chain.
	assert.deepEqual(facts.gaps, []);
	for (const letter of result.results.flatMap((r) => r.deadLetters)) {
		assert.match(letter.origin, /^trace\/0\/\d+$/);
		assert.equal(letter.digest.length, 64);
	}
});

test('two hosts on one partition do not meet', async () => {
	const { cuts } = build();
	const one = createAgent('one');
	const two = createAgent('two');
	const records = cuts.flatMap((cut) => [one.record(cut), two.record(cut)]);
	records.push(one.record([], { endOfInput: true }), two.record([], { endOfInput: true }));
	const sessions = factsOf(await run(renumbered(records)));
	assert.equal(sessions.size, 2);
	const [a, b] = [...sessions.values()] as [Facts, Facts];
	assert.deepEqual({ ...a.opened, host: '' }, { ...b.opened, host: '' });
	assert.deepEqual(a.files, b.files);
});

test('a restart after every record changes nothing: duplicates, forks, holes, late events', async () => {
	const { story, cuts } = build();
	const records = chainOf(cuts);
	const forger = createAgent('host');
	const forged = [...cuts].map((cut) => forger.record(cut.slice(1)))[2] as LogRecord;
	const mixed = renumbered([
		...records.slice(0, 3),
		forged,
		records[1],
		records[4],
		records[3],
		...records.slice(5),
	] as LogRecord[]);
	const straight = await run(mixed);
	const restarted = await restarting(mixed);
	assert.deepEqual(
		restarted.results.map((r) => [r.outputs, r.lowWaterOffset, r.rebuildOffset]),
		straight.results.map((r) => [r.outputs, r.lowWaterOffset, r.rebuildOffset]),
	);
	assert.equal(only(restarted).closed?.events, story.events.length);
});
