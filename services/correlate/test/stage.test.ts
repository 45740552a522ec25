// The stage on records: signatures, chain, time, losses, restarts.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { keyIdOf, signBatch } from '@affidavit/model/batch-signature.ts';
import type { Facts } from '@affidavit/model/facts.ts';
import type { TraceBatch } from '@affidavit/model/generated/trace.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import type { CorrelateOptions } from '../src/stage.ts';
import { createCorrelateStage, factsList } from '../src/stage.ts';
import {
	collect,
	createAgent,
	createStage,
	type Decoded,
	factsOf,
	type Run,
	resolveKey,
	run,
} from './support/pipeline.ts';
import { githubEnvironment, type Story, tell } from './support/story.ts';

/** A session of some reads, about a minute long. */
function build(): { story: Story; cuts: Decoded[][] } {
	const story = tell();
	const init = story.old('/sbin/init', undefined, { pid: 1 });
	const shell = story.exec(init, '/bin/bash', { environment: githubEnvironment('7') });
	for (let i = 0; i < 12; i++) {
		story.wait(5_000_000);
		story.openWrite(shell, `/ws/${i}`, String(i), '');
		story.read(shell, `/ws/${i}`, String(i), `content ${i}`);
	}
	story.exit(shell);
	const cuts: Decoded[][] = [];
	for (let at = 0; at < story.events.length; at += 5) cuts.push(story.events.slice(at, at + 5));
	return { story, cuts };
}

/** A chain of records, its last one ending the input. */
function recordsOf(cuts: readonly Decoded[][], more: (index: number) => Partial<TraceBatch> = () => ({})): LogRecord[] {
	const agent = createAgent('host');
	return [
		...cuts.map((cut, index) => agent.record(cut, more(index))),
		agent.record([], { endOfInput: true, ...more(cuts.length) }),
	];
}

const only = (result: Run): Facts => {
	const [facts, ...others] = factsOf(result).values();
	assert.ok(facts);
	assert.equal(others.length, 0);
	return facts;
};

const renumbered = (records: readonly LogRecord[]): LogRecord[] => records.map((r, offset) => ({ ...r, offset }));
const reasons = (result: Run): string[] => [...new Set(result.notices.map((n) => `${n.name}/${n.reason}`))].sort();
const codes = (result: Run): string[] => result.results.flatMap((r) => r.deadLetters.map((d) => d.code));

test('facts are also appended to the session’s list, in the same bytes', async () => {
	const result = await run(recordsOf(build().cuts));
	const [[session, batches]] = [...result.batches] as [[string, Uint8Array[]]];
	const appended = result.results.flatMap((r) => r.appends);
	assert.deepEqual(
		appended.map((a) => [a.list, a.value]),
		batches.map((bytes) => [factsList(session), bytes]),
	);
	assert.equal(factsList(session), `facts:${session}`);
});

test('a batch delivered twice is dropped', async () => {
	const whole = only(await run(recordsOf(build().cuts)));
	const records = recordsOf(build().cuts);
	const twice = await run(renumbered(records.flatMap((r) => [r, r])));
	assert.deepEqual(only(twice), whole);
	assert.deepEqual(reasons(twice), ['batches_dropped/duplicate']);
	assert.deepEqual(codes(twice), []);
});

test('a missing batch is a gap of the sessions that it may touch', async () => {
	const records = recordsOf(build().cuts);
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
	const records = recordsOf(cuts);
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
	const records = recordsOf(cuts);
	const forged = [...cuts].map((cut) => forger.record(cut.slice(1)))[1] as LogRecord;
	const result = await run(renumbered([...records.slice(0, 2), forged, ...records.slice(2)]));
	assert.deepEqual(codes(result), ['batch-chain']);
	const facts = only(result);
	assert.deepEqual(
		facts.gaps.map((g) => [g.cause, g.detail]),
		[['chain-gap', 'fork']],
	);
	assert.equal(facts.closed?.events, story.events.length);
});

test('a batch that does not continue the chain is refused', async () => {
	const { cuts } = build();
	const records = recordsOf(cuts);
	const other = createAgent('host');
	other.record([]);
	const stranger = other.record([]);
	const result = await run(renumbered([records[0], stranger, ...records.slice(1)] as LogRecord[]));
	assert.deepEqual(codes(result), ['batch-chain']);
});

test('no key, a wrong signature, another host’s word and garbage are dead letters, and nothing else is lost', async () => {
	const { story, cuts } = build();
	const records = recordsOf(cuts);
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
	const at = { topic: 'trace' as const, partition: 0, offset: 0, key: 'host', origin: null };
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
	assert.deepEqual([...new Set(facts.gaps.map((g) => g.cause))], ['bad-signature']);
	for (const letter of result.results.flatMap((r) => r.deadLetters)) {
		assert.match(letter.origin, /^trace\/0\/\d+$/);
		assert.equal(letter.digest.length, 64);
	}
});

test('losses touch the sessions whose time they overlap, and unknown counters are told', async () => {
	const { story, cuts } = build();
	const loss = (fromUs: number, toUs: number) => ({
		counter: 'tetragon_bpf_missed_events_total',
		count: 3,
		fromUs,
		toUs,
	});
	const end = story.nowUs();
	const lossy = await run(
		recordsOf(cuts, (i) => (i === 1 ? { losses: [loss(end - 5_000_000, end), loss(end + 1, end + 9)] } : {})),
	);
	assert.deepEqual(
		only(lossy).gaps.map((g) => ({ ...g })),
		[
			{
				cause: 'loss-counter',
				detail: 'tetragon_bpf_missed_events_total',
				fromUs: end - 5_000_000,
				toUs: end,
				count: 3,
			},
		],
	);
	assert.equal(only(lossy).closed?.lossCounters, 'known');
	const agents = ['affidavit_spool_dropped', 'affidavit_source_disconnected{reason="reset"}'].map((counter) => ({
		...loss(end, end),
		counter,
		count: 0,
	}));
	const own = await run(recordsOf(cuts, (i) => (i === 1 ? { losses: agents } : {})));
	assert.deepEqual(
		only(own).gaps.map((g) => [g.cause, g.count]),
		[
			['disconnected', -1],
			['spool-drop', -1],
		],
	);
	const unknown = await run(recordsOf(cuts, () => ({ lossCounters: 'unknown' })));
	assert.equal(only(unknown).closed?.lossCounters, 'unknown');
});

test('throttling and rate limits of the sensor are gaps', async () => {
	const { story, cuts } = build();
	const shell = (story.events[3] as Decoded).process;
	story.add(shell, 'throttle', '', { signal: 'THROTTLE_START' });
	story.add(shell, 'throttle', '', { signal: 'THROTTLE_STOP' });
	story.add(shell, 'rate_limit', '', { count: 42 });
	const result = await run(recordsOf([...cuts, story.events.slice(-3)]));
	// After the root's exit only the report about the time before it counts.
	assert.deepEqual(
		only(result).gaps.map((g) => [g.cause, g.count]),
		[['rate-limit', 42]],
	);
});

test('an event later than the skew is applied and told; one out of all time is a dead letter and moves nothing', async () => {
	const { story, cuts } = build();
	const last = cuts.at(-1) as Decoded[];
	const shift = (one: Decoded, us: number): Decoded => ({
		...one,
		event: { ...one.event, timeUs: one.event.timeUs + us, path: '/ws/x' },
	});
	const sample = cuts[1]?.[0] as Decoded;
	const agent = createAgent('host');
	const records = cuts.map((cut) => agent.record(cut));
	const observedUs = story.nowUs();
	records.push(
		agent.record([shift(sample, 1), shift(sample, 700_000_000), shift(sample, -700_000_000)], { observedUs }),
		agent.record(last, { endOfInput: true, observedUs }),
	);
	const result = await run(records);
	assert.deepEqual(codes(result), ['event-time', 'event-time']);
	const facts = only(result);
	assert.deepEqual(
		facts.gaps.map((g) => [g.cause, g.count]),
		[['late', 1]],
	);
	assert.ok(facts.files.some((f) => f.path === '/ws/x'));
	assert.deepEqual(reasons(result), [
		'events_dropped/duplicate',
		'events_dropped/time-ahead',
		'events_dropped/time-behind',
		'events_late/skew',
	]);
});

test('a clock that jumps back on a live host is a gap', async () => {
	const { story, cuts } = build();
	const agent = createAgent('host', 'export');
	const now = story.nowUs();
	const records = cuts.map((cut) => agent.record(cut));
	records.push(
		agent.record([], { observedUs: now - 2_000_000 }),
		agent.record([], { endOfInput: true, observedUs: now }),
	);
	assert.deepEqual(
		only(await run(records)).gaps.map((g) => g.cause),
		['clock-jump'],
	);
});

test('a tick moves the time of a silent host, and may say nothing else', async () => {
	const { story, cuts } = build();
	const agent = createAgent('host', 'export');
	const fleet = createAgent('host', 'tick');
	const records = cuts.map((cut) => agent.record(cut));
	const quiet = await run(renumbered([...records, fleet.record([], { observedUs: story.nowUs() + 120_000_000 })]));
	assert.equal(only(quiet).closed?.reason, 'exited');
	assert.equal(only(quiet).closed?.lossCounters, 'known');
	const loud = await run(renumbered([...records, fleet.record(cuts[0] as Decoded[])]));
	assert.deepEqual(codes(loud), ['not-a-batch']);
	assert.equal(only(loud).closed, null);
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

test('a recording may follow another on the same host, older or newer', async () => {
	const { cuts } = build();
	const first = recordsOf(cuts);
	const second = recordsOf(cuts.slice(1));
	const result = await run(renumbered([...first, ...second]));
	assert.deepEqual(codes(result), []);
	assert.equal(result.results.at(-1)?.lowWaterOffset, first.length + second.length);
});

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
	const limited = only(await run(recordsOf(cuts), { limits: { facts: 5, contents: 4 } }));
	assert.deepEqual([...new Set(limited.gaps.map((g) => g.cause))].sort(), ['session-limit', 'state-evicted']);
	assert.equal(limited.files.length, 5);
	const refused = await run(recordsOf(cuts), { limits: { sessions: 0 } });
	assert.deepEqual(reasons(refused), ['sessions_refused/limit']);
	const small = await run(recordsOf(cuts), { limits: { processes: 1, reorderEvents: 2 } });
	assert.ok(reasons(small).includes('events_released_early/limit'));
	assert.equal(only(small).closed?.reason, 'end_of_input');
});

test('a record that touches very much gives several linked batches', async () => {
	const { cuts } = build();
	const options: Partial<CorrelateOptions> = { limits: { batchFacts: 4 } };
	const cut = await run(recordsOf([cuts.flat()]), options);
	assert.ok((cut.batches.values().next().value?.length ?? 0) > 4);
	assert.deepEqual(only(cut), only(await run(recordsOf(cuts))));
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

/** Runs with a new worker for every record: what is not in the cells comes from replayed records. */
export async function restarting(records: readonly LogRecord[], options: Partial<CorrelateOptions> = {}): Promise<Run> {
	const { stage, notices } = createStage(options);
	const cells = new Map<string, Uint8Array>();
	const result: Run = { batches: new Map(), results: [], notices };
	let low = 0;
	for (const [offset, record] of records.entries()) {
		const worker = await stage.open(0, new Map(cells));
		if (low < offset) await worker.step(records.slice(low, offset), true);
		const stepped = await worker.step([record], false);
		for (const [key, value] of stepped.cells)
			if (value === null) cells.delete(key);
			else cells.set(key, value);
		low = stepped.lowWaterOffset;
		collect(result, stepped);
	}
	return result;
}

test('a restart after every record changes nothing: duplicates, forks, holes, late events', async () => {
	const { story, cuts } = build();
	const records = recordsOf(cuts);
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
