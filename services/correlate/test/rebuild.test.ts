// A store that is lost at any moment, on a live host that builds again and again in one workspace: what is rebuilt from the
// log says the same of every session, whatever happened before its horizon.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Facts } from '@affidavit/model/facts.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import { collect, createAgent, createStage, factsOf, type Run } from './support/pipeline.ts';
import { renumbered } from './support/small-build.ts';
import { githubEnvironment, type Story, tell } from './support/story.ts';

const minute = 60_000_000;

/** Four builds a quarter of an hour apart: each overwrites what the one before made; a daemon writes to their files. */
function story(): Story {
	const told = tell();
	const init = told.old('/sbin/init', undefined, { pid: 1 });
	const worker = told.old('/opt/Runner.Worker', init);
	// Executed under the correlator's eyes, long before the builds it meddles with.
	told.check(told.fork(init), '/usr/sbin/syncd', '90', 'syncd');
	const daemon = told.exec(init, '/usr/sbin/syncd');
	told.truncate(daemon, '/var/lib/state');
	for (let build = 0; build < 4; build++) {
		for (let i = 0; i < 15; i++) {
			told.wait(minute);
			told.write(daemon, '/ws/synced', '500');
			told.write(daemon, '/ws/main.c', '501');
		}
		const shell = told.exec(worker, '/bin/bash', { environment: githubEnvironment(String(build)) });
		const cc = told.exec(shell, '/usr/bin/cc');
		told.read(cc, '/ws/main.c', '501', 'main');
		told.read(cc, '/ws/synced', '500', 'synced');
		told.openWrite(cc, '/ws/main.o', '502', '');
		told.write(cc, '/ws/main.o', '502');
		told.read(shell, '/ws/main.o', '502', `object ${build}`);
		told.exit(cc);
		told.wait(minute / 2);
		told.write(daemon, '/ws/synced', '500');
		told.exit(shell);
	}
	told.wait(3 * minute);
	return told;
}

function records(): LogRecord[] {
	const { events, nowUs } = story();
	const agent = createAgent('host', 'export');
	const made: LogRecord[] = [];
	for (let at = 0; at < events.length; at += 3) {
		const cut = events.slice(at, at + 3);
		const observedUs = cut.at(-1)?.event.timeUs ?? 0;
		made.push(
			agent.record(cut, {
				observedUs,
				hooks: [...new Set(events.slice(0, at + 3).map((e) => e.event.hook))].filter((h) => h !== '').sort(),
			}),
		);
	}
	for (let i = 0; i < 4; i++) made.push(agent.record([], { observedUs: nowUs() + i * minute }));
	return renumbered(made);
}

const closedOnes = (run: Run): Map<string, Facts> =>
	new Map([...factsOf(run)].filter(([, facts]) => facts.opened !== null && facts.closed !== null));

test('a store that is lost at any moment changes no session', async () => {
	const all = records();
	const { stage } = createStage();
	const whole: Run = { batches: new Map(), results: [], notices: [] };
	const worker = await stage.open(0, new Map());
	for (const record of all) collect(whole, await worker.step([record], false));
	const expected = closedOnes(whole);
	assert.equal(expected.size, 4);
	let rebuilt = 0;
	for (const [at, { rebuildOffset }] of whole.results.entries()) {
		const again: Run = { batches: new Map(), results: [], notices: [] };
		const fresh = await stage.open(0, new Map());
		for (const record of all.slice(rebuildOffset)) collect(again, await fresh.step([record], false));
		const seen = closedOnes(again);
		// Of what had closed before, nothing needs to be made again; what had not must be.
		const closedLater = [...expected].filter(([, { closed }]) => (closed?.timeUs ?? 0) > timeOf(all, at));
		for (const [session] of closedLater) assert.ok(seen.has(session), `lost at ${at}: ${session}`);
		for (const [session, facts] of seen) {
			assert.deepEqual(facts, expected.get(session), `lost at ${at}, from ${rebuildOffset}`);
			if (rebuildOffset > 0) rebuilt++;
		}
	}
	assert.ok(rebuilt > 50, String(rebuilt));
});

/** A rough event time of a record, by its place. */
const timeOf = (all: readonly LogRecord[], at: number): number => {
	const { events } = story();
	return events[Math.min(at * 3, events.length - 1)]?.event.timeUs ?? all.length;
};
