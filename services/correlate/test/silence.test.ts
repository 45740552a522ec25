// A host that falls silent: ticks, the lead, the return, the close; and who may write ticks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeFactBatch } from '@affidavit/model/facts.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import { createAgent, type Decoded, factsOf, type Run, run, tick, tickKey } from './support/pipeline.ts';
import { build, codes, only, reasons, renumbered, restarting } from './support/small-build.ts';

const second = 1_000_000;
const minute = 60 * second;
/** The log's clock is an hour ahead of the host's: nothing may depend on the difference. */
const logAheadUs = 60 * minute;

interface Silent {
	before: LogRecord[];
	after: LogRecord[];
	/** Host time of the last record before the silence. */
	atUs: number;
}

/** A live build whose host sends nothing more after its second batch, and its later batches all at once afterwards. */
function silentBuild(silentForUs: number): Silent {
	const { story, cuts } = build();
	const agent = createAgent('host', 'export');
	const timeOf = (cut: readonly Decoded[]): number => (cut.at(-1) as Decoded).event.timeUs;
	const atUs = timeOf(cuts[1] as Decoded[]);
	const before = cuts
		.slice(0, 2)
		.map((cut) => agent.record(cut, { observedUs: timeOf(cut) }, timeOf(cut) + logAheadUs));
	const backUs = atUs + silentForUs + logAheadUs;
	const after = cuts.slice(2).map((cut) => agent.record(cut, { observedUs: timeOf(cut) }, backUs));
	for (let at = story.nowUs(); at < story.nowUs() + 2 * minute; at += 5 * second)
		after.push(agent.record([], { observedUs: at }, backUs + at - story.nowUs()));
	return { before, after, atUs };
}

const ticks = (atUs: number, fromUs: number, toUs: number, everyUs = 10 * second): LogRecord[] => {
	const made: LogRecord[] = [];
	for (let at = fromUs; at <= toUs; at += everyUs) made.push(tick('host', atUs + at, atUs + at + logAheadUs));
	return made;
};

const silencesOf = (result: Run) =>
	[...result.batches.values()].flat().flatMap((bytes) => decodeFactBatch(bytes).facts.silences ?? []);

test('a silence is told at once, and once the host is back nothing of it is left', async () => {
	const { before, after, atUs } = silentBuild(3 * minute);
	const undisturbed = await run(renumbered([...before, ...after]));
	const records = renumbered([...before, ...ticks(atUs, 30 * second, 3 * minute), ...after]);
	const result = await run(records);
	assert.deepEqual(
		silencesOf(result).map((s) => ({ ...s })),
		[{ cause: 'sensor-silent', detail: 'not ended', fromUs: atUs, toUs: atUs + 30 * second, count: -1 }],
	);
	assert.deepEqual(only(result), only(undisturbed));
	assert.equal(only(result).closed?.reason, 'exited');
	assert.deepEqual(only(result).gaps, []);
	assert.deepEqual(codes(result), []);
	assert.deepEqual(reasons(result), ['host_clock_skew_changed/behind', 'hosts_silent/no-record']);
	const restarted = await restarting(records);
	assert.deepEqual(
		restarted.results.map((r) => r.outputs),
		result.results.map((r) => r.outputs),
	);
});

test('a tick before the bound says nothing', async () => {
	const { before, atUs } = silentBuild(0);
	const result = await run(renumbered([...before, ...ticks(atUs, second, 29 * second, second)]));
	assert.deepEqual(silencesOf(result), []);
	assert.deepEqual(reasons(result), []);
});

test('a silence that is too long closes the sessions as incomplete, whenever the ticks came', async () => {
	const { before, after, atUs } = silentBuild(20 * minute);
	const whole = renumbered([...before, ...ticks(atUs, 30 * second, 16 * minute), ...after]);
	const result = await run(whole);
	const [facts] = factsOf(result).values();
	assert.equal(facts?.closed?.reason, 'idle');
	assert.deepEqual(
		facts?.gaps.map((g) => [g.cause, g.fromUs, g.toUs]),
		[
			['disconnected', atUs, atUs],
			['sensor-silent', atUs, atUs + 15 * minute],
		],
	);
	const other = await run(renumbered([...before, ...ticks(atUs, 37 * second, 20 * minute, 7 * second)]));
	assert.deepEqual([...factsOf(other).values()], [facts]);
	assert.ok(reasons(result).includes('sessions_closed_silent/no-record'));
	const restarted = await restarting(whole);
	assert.deepEqual(
		restarted.results.map((r) => r.outputs),
		result.results.map((r) => r.outputs),
	);
});

test('what was not heard while no ticks came is no silence', async () => {
	const { before, after, atUs } = silentBuild(21 * minute);
	// The log was away for 20 minutes: the first tick after it counts a minute at most.
	const records = renumbered([...before, ...ticks(atUs, 20 * minute, 21 * minute), ...after]);
	const result = await run(records);
	assert.equal(only(result).closed?.reason, 'exited');
	assert.deepEqual(only(result).gaps, []);
});

test('ticks are the services’ to write, and nothing else is', async () => {
	const { before, atUs } = silentBuild(0);
	const { cuts } = build();
	const byHost = createAgent('host', 'tick').record([], { observedUs: atUs });
	const own = createAgent('host', 'export', tickKey);
	const loud = createAgent('host', 'tick', tickKey);
	const result = await run(
		renumbered([...before, byHost, own.record(cuts[0] as Decoded[]), loud.record(cuts[0] as Decoded[])]),
	);
	assert.deepEqual(codes(result), ['wrong-host', 'wrong-host', 'not-a-batch']);
	assert.deepEqual(
		result.results.flatMap((r) => r.deadLetters.map((d) => d.subject)),
		['host', 'host', 'host'],
	);
	const unknown = await run(renumbered([tick('nobody', atUs)]));
	assert.deepEqual(reasons(unknown), ['ticks_dropped/unknown-host']);
});
