// Hosts whose clocks are wrong: time is each host's own, and nobody else's sessions, rebuilds or closes depend on it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import { createAgent, type Decoded, factsOf, type Run, run } from './support/pipeline.ts';
import { build, codes, reasons, renumbered } from './support/small-build.ts';
import { tell } from './support/story.ts';

const second = 1_000_000;
const minute = 60 * second;
const year2100 = 4_102_444_800_000_000;
const timeOf = (cut: readonly Decoded[]): number => (cut.at(-1) as Decoded).event.timeUs;
const shifted = (cut: readonly Decoded[], byUs: number): Decoded[] =>
	cut.map(({ event, process, parent }) => ({
		event: { ...event, timeUs: event.timeUs + byUs },
		process: { ...process, startUs: process.startUs + byUs },
		parent: parent && { ...parent, startUs: parent.startUs + byUs },
	}));

/** A live host's build with its clock `aheadUs` off, and heartbeats for three minutes; log time is the true one. */
function host(name: string, aheadUs = 0): LogRecord[] {
	const { story, cuts } = build();
	const agent = createAgent(name, 'export');
	const records = cuts.map((cut) =>
		agent.record(shifted(cut, aheadUs), { observedUs: timeOf(cut) + aheadUs }, timeOf(cut)),
	);
	for (let at = story.nowUs(); at < story.nowUs() + 3 * minute; at += 5 * second)
		records.push(agent.record([], { observedUs: at + aheadUs }, at));
	return records;
}

/** In order of log time. */
const together = (...hosts: LogRecord[][]): LogRecord[] =>
	renumbered(hosts.flat().sort((a, b) => a.timestampUs - b.timestampUs));

const ofHost = (result: Run, name: string) => [...factsOf(result).values()].filter((f) => f.opened?.host === name);

test('an agent an hour ahead, one that jumps back and one from 2100 change no other host’s session', async () => {
	const { story, cuts } = build();
	const jumping = createAgent('jumping', 'export');
	const jumps = cuts.map((cut, i) =>
		jumping.record([], { observedUs: timeOf(cut) + (i < 2 ? 90 * minute : 0) }, timeOf(cut)),
	);
	const wild = createAgent('wild', 'export');
	const [first, next] = cuts as [Decoded[], Decoded[]];
	const oneFrom2100 = [{ ...(next[0] as Decoded), event: { ...(next[0] as Decoded).event, timeUs: year2100 } }];
	const wilds = [
		wild.record(first, { observedUs: timeOf(first) }, timeOf(first)),
		wild.record(oneFrom2100, { observedUs: timeOf(next) }, timeOf(next)),
	];
	const mad = createAgent('mad', 'export');
	const mads = cuts.map((cut) => mad.record([], { observedUs: year2100 + timeOf(cut) - story.nowUs() }, timeOf(cut)));
	const result = await run(together(host('calm'), host('ahead', 60 * minute), jumps, wilds, mads));
	const [alone] = ofHost(await run(together(host('calm'))), 'calm');
	assert.deepEqual(ofHost(result, 'calm'), [alone]);
	assert.equal(alone?.closed?.reason, 'exited');
	const [ahead] = ofHost(result, 'ahead');
	assert.equal(ahead?.closed?.events, alone?.closed?.events);
	assert.deepEqual(ahead?.gaps, []);
	assert.equal(ofHost(result, 'wild')[0]?.closed, null, 'an event from 2100 closes nothing');
	assert.deepEqual(codes(result), ['event-time']);
	assert.deepEqual(
		reasons(result).filter((r) => r.startsWith('host_clock')),
		['host_clock_skew_changed/ahead'],
	);
	assert.ok(reasons(result).includes('events_dropped/time-ahead'));
});

test('no host’s clock makes the others’ rebuild begin later', async () => {
	for (const [clock, at] of [
		['the log’s', (us: number) => us],
		['none', () => -1],
	] as const) {
		const story = tell();
		const init = story.old('/sbin/init', undefined, { pid: 1 });
		const agents = ['a', 'b', 'c'].map((name) => createAgent(name, 'export'));
		const records: LogRecord[] = [];
		for (let i = 0; i < 60; i++) {
			story.wait(minute / 2);
			story.write(init, `/etc/${i}`, String(i));
			const us = story.nowUs();
			for (const agent of agents) records.push(agent.record(story.events.slice(-1), { observedUs: us }, at(us)));
		}
		const last = (records.at(-1) as LogRecord).timestampUs;
		const mad = createAgent('mad', 'export');
		const from2100 = shifted(story.events.slice(-1), year2100 - story.nowUs());
		records.push(mad.record(from2100, { observedUs: year2100 }, last));
		const { results } = await run(renumbered(records));
		const before = results.at(-2)?.rebuildOffset ?? -1;
		// Twelve minutes and the skew, of three hosts each half minute.
		assert.ok(before > 98 && before < 110, `${clock}: ${before}`);
		assert.equal(results.at(-1)?.rebuildOffset, before, clock);
	}
});

test('the skew is measured over a minute of log time, and said once', async () => {
	const agent = createAgent('host', 'export');
	const base = 1_800_000_000 * second;
	const records: LogRecord[] = [];
	for (let i = 0; i < 300; i++) {
		const behind = i < 100 ? 20 * second : 0;
		records.push(agent.record([], { observedUs: base + i * second - behind }, base + i * second + (i % 7) * 1000));
	}
	const result = await run(renumbered(records));
	assert.deepEqual(
		result.notices.filter((n) => n.name === 'host_clock_skew_changed').map((n) => [n.reason, n.detail?.['skewUs']]),
		[
			['behind', 20 * second],
			['within', 0],
		],
	);
});
