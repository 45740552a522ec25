// Whatever a host says: nothing throws, chains hold, a restart changes nothing, arrival within the skew does not matter.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventKind } from '@affidavit/model/generated/trace.ts';
import { emptyEvent, type ProcessInfo, unknownProcess } from '@affidavit/model/trace-event.ts';
import fc from 'fast-check';
import { createAgent, type Decoded, factsOf, run } from './support/pipeline.ts';
import { restarting } from './support/small-build.ts';
import { githubEnvironment, startUs } from './support/story.ts';

/** Largest number that a batch can hold. */
const longMax = Number.MAX_SAFE_INTEGER - 1;
const kinds: EventKind[] = [
	'exec',
	'exit',
	'open',
	'open',
	'open',
	'check',
	'write',
	'truncate',
	'rename',
	'unlink',
	'link',
	'symlink',
	'map',
	'ptrace',
	'vmwrite',
	'mount',
	'connect',
	'bind',
	'loader',
	'throttle',
	'rate_limit',
	'other',
];
const hostileText = fc.constantFrom(
	'',
	'__proto__',
	'constructor',
	'/',
	'/ws/\n',
	'/ws/a\0b',
	'/ws/\ud800',
	'x'.repeat(3000),
);
const path = fc.oneof(
	{ weight: 5, arbitrary: fc.constantFrom('/ws/a', '/ws/b', '/ws/d/c', '/ws/d', '/ws/e', '/tmp/a') },
	hostileText,
);
const number = fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 0, max: 5 }) }, fc.constantFrom(-1, longMax));
const ids = ['a', 'b', 'c', 'd', '__proto__', '', Buffer.from('n:1:3').toString('base64')];

const processes: fc.Arbitrary<ProcessInfo[]> = fc.tuple(
	...ids.map((execId) =>
		fc
			.record({
				parentExecId: fc.constantFrom(...ids, 'never-seen'),
				pid: fc.integer({ min: -1, max: 4 }),
				startUs: fc.constantFrom(-1, startUs, startUs + 1_000_000, longMax),
				binary: fc.constantFrom('/bin/sh', '/usr/bin/make', ''),
				environment: fc.constantFrom({}, githubEnvironment('7'), { GITHUB_RUN_ID: '__proto__' }),
				container: fc.constantFrom('', 'c1'),
			})
			.map((info): ProcessInfo => ({ ...unknownProcess(execId), cwd: '/ws', ...info })),
	),
);

const event = fc.record({
	kind: fc.constantFrom(...kinds),
	process: fc.nat({ max: ids.length - 1 }),
	afterUs: fc.integer({ min: 0, max: 30_000_000 }),
	path,
	path2: path,
	ino: fc.constantFrom('', '1', '2', '__proto__'),
	dev: number,
	size: number,
	flags: fc.constantFrom(-1, 0, 1, 2, 32, 0o1000),
	digest: fc.constantFrom('', 'd'.repeat(64), 'e'.repeat(64)),
	pid: fc.integer({ min: -1, max: 5 }),
	count: number,
	fileType: fc.constantFrom('-', '', 'd'),
	signal: fc.constantFrom('', 'THROTTLE_START', 'THROTTLE_STOP'),
});

const stream = fc.tuple(processes, fc.array(event, { minLength: 1, maxLength: 80 })).map(([known, events]) =>
	events.map(({ process, kind, afterUs, ...more }): Decoded => {
		const info = known[process] as ProcessInfo;
		return {
			event: { ...emptyEvent(kind, startUs + afterUs, info.execId, `hook_${kind}`), ...more },
			process: info,
			parent: known.find((p) => p.execId === info.parentExecId) ?? null,
		};
	}),
);

const limits = {
	skewUs: 5_000_000,
	graceUs: 2_000_000,
	contents: 6,
	processes: 5,
	digests: 4,
	batchFacts: 9,
	reorderEvents: 50,
};

test('nothing throws, every session is closed, and a restart after every record gives the same bytes', async () => {
	await fc.assert(
		fc.asyncProperty(stream, fc.integer({ min: 1, max: 30 }), async (decoded, size) => {
			const agent = createAgent('host', 'export');
			const records = [];
			for (let at = 0; at < decoded.length; at += size)
				records.push(agent.record(decoded.slice(at, at + size), { observedUs: startUs + 30_000_000 }));
			records.push(agent.record([], { endOfInput: true, observedUs: startUs + 30_000_000 }));
			const straight = await run(records, { limits });
			for (const facts of factsOf(straight).values()) assert.ok(facts.opened && facts.closed);
			const restarted = await restarting(records, { limits });
			assert.deepEqual(restarted.batches, straight.batches);
		}),
		{ numRuns: 150 },
	);
});

test('order of arrival does not matter within the skew', async () => {
	await fc.assert(
		fc.asyncProperty(stream, fc.integer({ min: 1, max: 30 }), async (decoded, size) => {
			const play = async (events: readonly Decoded[], by: number) => {
				const agent = createAgent('host');
				const records = [];
				for (let at = 0; at < events.length; at += by) records.push(agent.record(events.slice(at, at + by)));
				records.push(agent.record([], { endOfInput: true }));
				return factsOf(await run(records, { limits: { skewUs: 60_000_000 } }));
			};
			assert.deepEqual(await play([...decoded, ...decoded].reverse(), size), await play(decoded, 1000));
		}),
		{ numRuns: 150 },
	);
});
