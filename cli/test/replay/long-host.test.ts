// One host for an hour, its log's times its own: what is read from the middle of its stream says the same as the whole.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Rederived } from '@affidavit/cli/rederive/run.ts';
import type { ReplayedSession } from '@affidavit/cli/replay/report.ts';
import { longHost } from '../../../test/sim/long-host.ts';
import { decode } from '../../../test/sim/recordings.ts';
import { makeRepository } from '../../../test/synthetic/repository.ts';
import { runCli, temporaryFolder } from '../run-cli.ts';
import { makePast } from './recorded-past.ts';

test('a host for an hour', async (t) => {
	const repository = join(temporaryFolder(t), 'repository');
	const recording = decode('longHost', longHost(makeRepository(repository)).lines());
	const past = await makePast(t, [{ stream: recording, kind: 'export', atMs: 'observed', batchMax: 5 }], {
		repositories: { 'example/synthetic': repository },
	});
	const config = ['--config', join(past.data, 'affidavit.yaml'), '--json'];
	assert.deepEqual(
		past.verdicts.map(({ verdict }) => verdict),
		['passed', 'failed', 'failed', 'passed'],
	);

	await t.test('rederives each session, the last from the middle of the stream', async () => {
		const froms: number[] = [];
		for (const { session } of past.verdicts) {
			const run = await runCli(['rederive', session, ...config]);
			assert.equal(run.code, 0, `${run.stdout}${run.stderr}`);
			const { outcome, facts, trace } = JSON.parse(run.stdout) as Rederived;
			assert.equal(outcome, 'equal');
			assert.equal(facts, 'same');
			froms.push(trace?.from ?? -1);
		}
		assert.equal(froms[0], 0);
		assert.ok((froms[3] ?? 0) > 5, `${froms}`);
	});

	await t.test('replays a window with a reading that begins in the middle of the stream', async () => {
		const run = await runCli([
			'replay',
			...config,
			...['--from', '2026-11-23T09:40:00Z', '--to', '2026-11-23T10:30:00Z', '--longest', '1s'],
		]);
		assert.equal(run.code, 0, run.stderr);
		const sessions = run.stdout
			.split('\n')
			.filter(Boolean)
			.map((line) => JSON.parse(line) as ReplayedSession);
		assert.deepEqual(
			sessions.map(({ session, cut, now, before: then, findings }) => [
				session,
				cut,
				now?.verdict,
				then?.verdict,
				findings.every(({ mark }) => mark === 'same'),
			]),
			[
				// The build before closes in the window: the host said nothing from its end until the next build.
				[past.verdicts[2]?.session, 'began-before', undefined, 'failed', true],
				[past.verdicts[3]?.session, null, 'passed', 'passed', true],
			],
		);
	});

	await t.test('says which sessions the beginning of a window cuts', async () => {
		// The second and the third build are under way.
		const run = await runCli(['replay', ...config, '--from', '2026-11-23T09:21:00Z', '--to', '2026-11-23T10:30:00Z']);
		const sessions = run.stdout
			.split('\n')
			.filter(Boolean)
			.map((line) => JSON.parse(line) as ReplayedSession);
		const cuts = new Map(sessions.map(({ session, cut }) => [session, cut]));
		assert.equal(cuts.get(past.verdicts[1]?.session ?? ''), 'began-before', run.stdout);
		assert.equal(cuts.get(past.verdicts[3]?.session ?? ''), null);
		assert.equal(cuts.has(past.verdicts[0]?.session ?? ''), false);
	});
});
