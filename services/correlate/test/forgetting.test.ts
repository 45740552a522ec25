// A host's memory follows what it did lately: what no session can reach back to any more is forgotten, and nothing shows that.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import type { CorrelateOptions } from '../src/stage.ts';
import { createAgent, createStage, type Decoded, factsOf, run } from './support/pipeline.ts';
import { reasons, restarting } from './support/small-build.ts';
import { githubEnvironment, type Story, tell } from './support/story.ts';

const second = 1_000_000;
const minute = 60 * second;
const limits: CorrelateOptions['limits'] = {
	sessionUs: 2 * minute,
	horizonUs: minute,
	graceUs: 10 * second,
	skewUs: second,
};
/** Longer than sessions, horizon, skew and the margin of two minutes together. */
const longUs = 8 * minute;

/** Builds one after the other, each with processes, files and a product of its own, on a daemon that stays. */
function builds(count: number): Story {
	const story = tell();
	const init = story.old('/sbin/init', undefined, { pid: 1 });
	const daemon = story.exec(init, '/usr/sbin/syncd');
	for (let n = 0; n < count; n++) {
		const shell = story.exec(init, '/bin/bash', { environment: githubEnvironment(String(n)) });
		for (let i = 0; i < 5; i++) {
			const tool = story.exec(shell, '/usr/bin/cc');
			story.check(tool, `/ws/tool-${i}`, `t${n}-${i}`, `tool ${n} ${i}`);
			story.openWrite(tool, `/ws/${i}.o`, `${n}-${i}`, '');
			story.write(tool, `/ws/${i}.o`, `${n}-${i}`);
			story.exit(tool);
		}
		story.openWrite(daemon, `/var/log/sync-${n}`, `log-${n}`, '');
		story.exit(shell);
		story.wait(minute);
	}
	return story;
}

function records(events: readonly Decoded[], size: number): LogRecord[] {
	const agent = createAgent('host', 'export');
	const cuts: LogRecord[] = [];
	for (let at = 0; at < events.length; at += size) cuts.push(agent.record(events.slice(at, at + size)));
	const newestUs = events.at(-1)?.event.timeUs ?? 0;
	cuts.push(agent.record([], { observedUs: newestUs + minute }));
	return cuts;
}

test('a host that builds all the time keeps as many cells as a host that has built for a while', async () => {
	const { stage } = createStage({ limits });
	const worker = await stage.open(0, new Map());
	const cells = new Set<string>();
	const counts: number[] = [];
	for (const record of records(builds(60).events, 12)) {
		const result = await worker.step([record], false);
		for (const [key, value] of result.cells) {
			// What the daemon holds open stays, and the daemon.
			if (value === null) cells.delete(key);
			else cells.add(key);
		}
		counts.push([...cells].filter((key) => key.startsWith('p/')).length);
	}
	const most = (from: number, to: number): number =>
		Math.max(...counts.slice(Math.floor(from * counts.length), Math.floor(to * counts.length)));
	assert.ok(most(0, 1) > 20, String(most(0, 1)));
	assert.ok(most(0.75, 1) <= most(0.25, 0.5), `${most(0.25, 0.5)} to ${most(0.75, 1)}`);
	// 60 builds wrote 300 files and executed 300.
	const files = [...cells].filter((key) => key.startsWith('i/')).length;
	assert.ok(files < 60 + 150, String(files));
});

test('what is forgotten, and when, depends on no batch and no restart', async () => {
	const { events } = builds(20);
	const whole = await run(records(events, 400), { limits });
	for (const what of ['processes', 'contents', 'digests'])
		assert.ok(reasons(whole).includes(`${what}_forgotten/age`), what);
	const expected = factsOf(whole);
	assert.equal(expected.size, 20);
	for (const size of [7, 50]) {
		const cut = records(events, size);
		const straight = await run(cut, { limits });
		assert.deepEqual(factsOf(straight), expected);
		assert.deepEqual((await restarting(cut, { limits })).batches, straight.batches);
	}
});

test('a file that a living stranger holds open for writing is remembered, however old', async () => {
	const story = tell();
	const init = story.old('/sbin/init', undefined, { pid: 1 });
	const stranger = story.exec(init, '/usr/bin/python3');
	story.openWrite(stranger, '/ws/main.c', 'held', 'int main;');
	const gone = story.exec(init, '/usr/bin/vi');
	story.openWrite(gone, '/ws/lib.c', 'left', 'int lib;');
	story.exit(gone);
	story.wait(longUs);
	const shell = story.exec(init, '/bin/bash', { environment: githubEnvironment('7') });
	story.read(shell, '/ws/main.c', 'held', 'int main;');
	story.read(shell, '/ws/lib.c', 'left', 'int lib;');
	story.exit(shell);
	story.wait(minute);
	story.exit(stranger);
	const result = await run(records(story.events, 3), { limits });
	const [facts] = [...factsOf(result).values()];
	const heldBy = facts?.files.map(({ path, heldBy: by }) => [path, by]);
	assert.deepEqual(heldBy, [
		['/ws/lib.c', ''],
		['/ws/main.c', stranger.execId],
	]);
	assert.ok(reasons(result).includes('contents_forgotten/age'));
});
