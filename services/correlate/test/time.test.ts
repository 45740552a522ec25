// Event time and losses: skew, clocks, ticks, gaps.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAgent, type Decoded, run } from './support/pipeline.ts';
import { build, chainOf, codes, only, reasons, renumbered } from './support/small-build.ts';

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
		chainOf(cuts, (i) => (i === 1 ? { losses: [loss(end - 5_000_000, end), loss(end + 1, end + 9)] } : {})),
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
	const own = await run(chainOf(cuts, (i) => (i === 1 ? { losses: agents } : {})));
	assert.deepEqual(
		only(own).gaps.map((g) => [g.cause, g.count]),
		[
			['disconnected', -1],
			['spool-drop', -1],
		],
	);
	const unknown = await run(chainOf(cuts, () => ({ lossCounters: 'unknown' })));
	assert.equal(only(unknown).closed?.lossCounters, 'unknown');
});

test('throttling and rate limits of the sensor are gaps', async () => {
	const { story, cuts } = build();
	const shell = (story.events[3] as Decoded).process;
	story.add(shell, 'throttle', '', { signal: 'THROTTLE_START' });
	story.add(shell, 'throttle', '', { signal: 'THROTTLE_STOP' });
	story.add(shell, 'rate_limit', '', { count: 42 });
	const result = await run(chainOf([...cuts, story.events.slice(-3)]));
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

test('a clock that was years ahead and is right again does not silence the host', async () => {
	const { story, cuts } = build();
	const agent = createAgent('host', 'export');
	const ahead = story.nowUs() + 3_000_000_000_000;
	const records = [agent.record([], { observedUs: ahead }), agent.record([], { observedUs: ahead + 1 })];
	for (const cut of cuts) records.push(agent.record(cut, { observedUs: (cut.at(-1) as Decoded).event.timeUs }));
	records.push(agent.record([], { endOfInput: true, observedUs: story.nowUs() }));
	const result = await run(records);
	assert.deepEqual(codes(result), []);
	assert.equal(only(result).closed?.events, story.events.length);
});

test('a recording may follow another on the same host, older or newer', async () => {
	const { cuts } = build();
	const first = chainOf(cuts);
	const second = chainOf(cuts.slice(1));
	const result = await run(renumbered([...first, ...second]));
	assert.deepEqual(codes(result), []);
	assert.equal(result.results.at(-1)?.lowWaterOffset, first.length + second.length);
});
