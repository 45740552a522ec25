// Which processes make a session, and when it closes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Facts } from '@affidavit/model/facts.ts';
import type { TraceBatch } from '@affidavit/model/generated/trace.ts';
import { sessionId } from '@affidavit/model/ids.ts';
import type { Limits } from '../../src/core/limits.ts';
import { parseMatchers } from '../../src/core/matcher.ts';
import { createAgent, factsOf, recordsOf, run } from '../support/pipeline.ts';
import { githubEnvironment, type Story, startUs, tell } from '../support/story.ts';

const recorded = async (story: Story): Promise<Facts[]> => [
	...factsOf(await run(recordsOf('host', story.events, 7))).values(),
];

/** A live host: a batch per event, then heartbeats until `untilUs`. */
async function live(story: Story, untilUs: number, limits: Partial<Limits> = {}, more: Partial<TraceBatch> = {}) {
	const agent = createAgent('host', 'export');
	const records = story.events.map((one) => agent.record([one], { observedUs: one.event.timeUs, ...more }));
	for (let at = story.nowUs(); at <= untilUs; at += 5_000_000)
		records.push(agent.record([], { observedUs: at, ...more }));
	return factsOf(await run(records, { limits }));
}

const runner = (story: Story) => {
	const init = story.old('/sbin/init', undefined, { pid: 1 });
	return { init, worker: story.old('/opt/Runner.Worker', init) };
};

test('a root is the topmost process with the run’s variables; descent joins, also through forks', async () => {
	const story = tell();
	const { worker } = runner(story);
	const shell = story.exec(worker, '/bin/bash', { environment: githubEnvironment('7'), cwd: '/elsewhere' });
	const fork = story.fork(shell);
	story.read(fork, '/ws/a', '11', 'a');
	const child = story.exec(fork, '/usr/bin/cc', { environment: {} });
	story.exit(child);
	story.exit(shell);
	const [facts, ...others] = await recorded(story);
	assert.equal(others.length, 0);
	assert.ok(facts?.opened && facts.closed);
	assert.equal(facts.opened.rootExecId, shell.execId);
	assert.equal(facts.opened.workspace, '/ws');
	assert.equal(facts.opened.ciRunId, '7');
	assert.equal(facts.opened.jobKey, 'example/app/7/1');
	assert.equal(facts.opened.step, 'build');
	assert.deepEqual(
		facts.processes.map((p) => [p.execId, p.root, p.executed]),
		[
			[shell.execId, true, true],
			[fork.execId, false, false],
			[child.execId, false, true],
		],
	);
	assert.equal(facts.closed.events, 5);
	assert.equal(facts.exits.length, 2);
});

test('later steps of a runner join as roots; the same key elsewhere opens its own session and both say so', async () => {
	const story = tell();
	const { init, worker } = runner(story);
	const environment = githubEnvironment('7');
	const one = story.exec(worker, '/bin/bash', { environment });
	story.exit(one);
	// The step's shell is the second image of its pid: its siblings share the first image's parent.
	const wrapper = story.exec(worker, '/usr/bin/setsid');
	const two = story.replace(wrapper, '/bin/bash', { environment });
	story.exit(two);
	const stranger = story.exec(init, '/usr/bin/python3', { environment });
	story.exit(stranger);
	const sessions = await recorded(story);
	assert.equal(sessions.length, 2);
	const [job, strange] = sessions;
	assert.ok(job?.opened && strange?.opened);
	assert.deepEqual(
		job.processes.filter((p) => p.root).map((p) => p.execId),
		[one.execId, two.execId],
	);
	assert.deepEqual(job.notes.map((n) => n.cause).sort(), ['joined-root', 'session-id-reused']);
	assert.deepEqual(
		strange.processes.map((p) => p.execId),
		[stranger.execId],
	);
	assert.deepEqual(
		strange.notes.map((n) => [n.cause, n.detail]),
		[['session-id-reused', sessionId('host', 'recorded', one.execId)]],
	);
});

test('a build by hand is matched at its topmost process, and never inside another session', async () => {
	const story = tell();
	const { worker } = runner(story);
	const make = story.exec(worker, '/usr/bin/make', { cwd: '/home/u/p/' });
	const inner = story.exec(make, '/usr/bin/make', { environment: githubEnvironment('9') });
	story.exit(inner);
	story.exit(make);
	const env = story.exec(worker, '/usr/bin/go', { arguments: 'env' });
	story.exit(env);
	const npm = story.exec(worker, '/usr/bin/node', { arguments: '/usr/bin/npm --silent ci', cwd: '/home/u/q' });
	story.exit(npm);
	const sessions = await recorded(story);
	assert.deepEqual(
		sessions.map((s) => [s.opened?.matcher, s.opened?.workspace, s.processes.length, s.opened?.ciRunId]),
		[
			['make', '/home/u/p', 2, ''],
			['npm', '/home/u/q', 1, ''],
		],
	);
});

test('a live session closes a grace after its last root; a root that execs its last command exits as that image', async () => {
	const story = tell();
	const { worker } = runner(story);
	const shell = story.exec(worker, '/bin/bash', { environment: githubEnvironment('7') });
	const last = story.replace(shell, '/bin/tar');
	const exit = story.exit(last);
	const early = await live(story, exit.timeUs + 65_000_000);
	assert.equal([...early.values()][0]?.closed, null);
	const [facts] = (await live(story, exit.timeUs + 80_000_000)).values();
	assert.equal(facts?.closed?.reason, 'exited');
	assert.equal(facts?.closed?.timeUs, exit.timeUs);
	assert.deepEqual(facts?.gaps, []);
});

test('a live session whose root never exits closes when idle, and one that never rests at its maximum', async () => {
	const story = tell();
	const { worker } = runner(story);
	story.exec(worker, '/bin/bash', { environment: githubEnvironment('7') });
	const [idle] = (await live(story, startUs + 60_000_000, { idleUs: 20_000_000 })).values();
	assert.equal(idle?.closed?.reason, 'idle');
	assert.deepEqual(
		idle?.gaps.map((g) => g.cause),
		['disconnected'],
	);
	const [maximum] = (await live(story, startUs + 60_000_000, { sessionUs: 20_000_000 })).values();
	assert.equal(maximum?.closed?.reason, 'maximum');
	assert.deepEqual(
		maximum?.gaps.map((g) => g.cause),
		['session-limit'],
	);
});

test('a reboot ends the sessions of the boot before', async () => {
	const story = tell();
	const { worker } = runner(story);
	story.exec(worker, '/bin/bash', { environment: githubEnvironment('7') });
	const agent = createAgent('host', 'export');
	const records = [
		agent.record(story.events, { boot: 'one' }),
		agent.record([], { boot: 'two', observedUs: story.nowUs() + 1 }),
	];
	const [facts] = factsOf(await run(records)).values();
	assert.equal(facts?.closed?.reason, 'exited');
	assert.deepEqual(
		facts?.gaps.map((g) => [g.cause, g.detail]),
		[['disconnected', 'reboot']],
	);
});

test('a parent that was never described: joined by the pid in its id, else counted', async () => {
	const story = tell();
	const { worker } = runner(story);
	const shell = story.exec(worker, '/bin/bash', { environment: githubEnvironment('7'), pid: 4000 });
	const dropped = Buffer.from('host:123:4000').toString('base64');
	const child = story.exec({ ...shell, execId: dropped }, '/usr/bin/cc', { environment: {} });
	const lost = Buffer.from('host:123:4999').toString('base64');
	const orphan = story.exec({ ...shell, execId: lost }, '/usr/bin/ld', { environment: {} });
	const [facts] = await recorded(story);
	assert.deepEqual(
		facts?.processes.map((p) => p.execId),
		[shell.execId, child.execId],
	);
	assert.equal(facts?.closed?.orphanProcesses, 2);
	assert.deepEqual(
		facts?.notes.map((n) => [n.cause, n.execId]),
		[
			['orphan-process', child.execId],
			['orphan-process', orphan.execId],
		],
	);
});

test('a cycle of parents ends', async () => {
	const story = tell();
	const a = story.old('/a', undefined, { pid: 50 });
	const b = story.old('/b', a, { pid: 51 });
	a.parentExecId = b.execId;
	story.add(a, 'exec', '', {});
	story.add(b, 'exec', '', {});
	const make = story.exec(b, '/usr/bin/make');
	story.exit(make);
	const sessions = await recorded(story);
	assert.deepEqual(
		sessions.map((s) => s.opened?.rootExecId),
		[make.execId],
	);
});

test('a session that started before the recording says so', async () => {
	const story = tell();
	const { worker } = runner(story);
	const old = story.old('/bin/bash', worker, { environment: githubEnvironment('7') });
	story.exit(story.exec(old, '/usr/bin/cc'));
	story.exit(old);
	const [facts] = await recorded(story);
	assert.equal(facts?.opened?.rootExecId, old.execId);
	assert.deepEqual(
		facts?.gaps.map((g) => g.cause),
		['state-lost'],
	);
});

test('matchers are data, and a wrong one is named', () => {
	const [own] = parseMatchers({ matchers: [{ kind: 'command', id: 'bazel', binary: 'bazel', command: ['build'] }] });
	assert.deepEqual(own, { kind: 'command', id: 'bazel', binary: ['bazel'], script: [], command: ['build'] });
	for (const [value, message] of [
		[{}, /matchers: expected a list/],
		[[{ kind: 'unit', id: 'x' }], /matchers\[0\]\.kind/],
		[[{ kind: 'command', id: 'X', binary: ['x'] }], /matchers\[0\]\.id/],
		[[{ kind: 'command', id: 'x' }], /matchers\[0\]\.binary/],
		[[{ kind: 'environment', id: 'x', present: [7] }], /matchers\[0\]\.present\[0\]/],
		[[{ kind: 'command', id: 'x', binary: ['x'], env: 1 }], /matchers\[0\]\.env/],
	] as const)
		assert.throws(() => parseMatchers(value), { name: 'CorrelateError', code: 'bad-matcher', message });
});
