// A replay in this process: interruptions, bounds, and that the past is left as it was.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openPast, type Past } from '@affidavit/cli/replay/past.ts';
import { pastBlobs } from '@affidavit/cli/replay/past-blobs.ts';
import type { ReplayedSession } from '@affidavit/cli/replay/report.ts';
import { type ReplayRun, runReplay } from '@affidavit/cli/replay/run.ts';
import { readThen } from '@affidavit/cli/replay/then.ts';
import { windowOf } from '@affidavit/cli/replay/window.ts';
import { indicatorsOf, rulesOf } from '@affidavit/cli/settings.ts';
import { makePast, type RecordedPast } from './recorded-past.ts';

const atMs = Date.parse('2026-11-20T08:00:00Z');
const dayUs = 86_400_000_000;
const hosts = ['a', 'b', 'c'];
const recordings = hosts.map((host, i) => ({
	stream: '08d-container-ns',
	kind: 'export' as const,
	host,
	atMs: atMs + i * 60_000,
}));

async function runOf(
	{ config }: RecordedPast,
	past: Past,
	controller: AbortController,
	tell: ReplayRun['tell'],
): Promise<ReplayRun> {
	return {
		past,
		config,
		rules: rulesOf(config),
		indicators: await indicatorsOf(config),
		matchers: undefined,
		blobs: await pastBlobs(config),
		window: windowOf({ fromUs: atMs * 1000, toUs: atMs * 1000 + dayUs }, config),
		host: null,
		session: null,
		signal: controller.signal,
		tell,
		progress: () => {},
	};
}

/** Digests of all files of the data folder but those of SQLite's shared memory and the repositories' cache. */
function filesOf(folder: string, below = ''): string[] {
	return readdirSync(join(folder, below))
		.flatMap((name) => {
			const path = join(below, name);
			if (statSync(join(folder, path)).isDirectory())
				return path === 'replay' || path === 'repositories' ? [] : filesOf(folder, path);
			if (/\.db-(shm|wal)$/.test(name)) return [];
			return [
				`${path} ${createHash('sha256')
					.update(readFileSync(join(folder, path)))
					.digest('hex')}`,
			];
		})
		.sort();
}

test('replay: interrupted, it ends with what is known; the past is left as it was', async (t) => {
	const recorded = await makePast(t, recordings);
	const before = filesOf(recorded.data);
	const controller = new AbortController();
	const emit = (): void => {};
	const past = await openPast({ config: recorded.config, env: {}, emit, signal: controller.signal });
	assert.ok(past);
	const told: ReplayedSession[] = [];
	const run = await runOf(recorded, past, controller, (session) => {
		told.push(session);
		controller.abort();
	});
	const end = await runReplay(run);
	assert.equal(end.whole, false);
	assert.ok(told.length >= 1 && told.length < recorded.verdicts.length, `${told.length}`);
	assert.equal(told[0]?.cut, null);
	assert.ok(told.every(({ cut, now }) => (now === null ? cut === 'still-open' : cut === null)));

	const all: ReplayedSession[] = [];
	const again = await runReplay(await runOf(recorded, past, new AbortController(), (session) => all.push(session)));
	assert.equal(again.whole, true);
	assert.equal(all.length, recorded.verdicts.length);
	assert.deepEqual(again.notes, []);
	assert.equal(again.beginsLate, false);
	await past.close();
	assert.deepEqual(filesOf(recorded.data), before);
	assert.deepEqual(readdirSync(join(recorded.data, 'replay')), []);
});

test('replay: verdicts of then beyond the bound are counted', async (t) => {
	const recorded = await makePast(t, recordings.slice(0, 1));
	const { signal } = new AbortController();
	const past = await openPast({ config: recorded.config, env: {}, emit: () => {}, signal });
	assert.ok(past);
	const { end: to } = await past.log.bounds('verdict', 0);
	const then = await readThen(past, [{ from: 0, to }], signal, 1);
	assert.equal(then.dropped, recorded.verdicts.length - 1);
	const first = recorded.verdicts[0];
	assert.deepEqual(then.take(first?.session ?? '')?.ruleSet, first?.ruleSet);
	assert.equal(then.take(first?.session ?? ''), null);
	assert.deepEqual([...then.left()], []);
	await past.close();
});
