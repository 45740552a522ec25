// What `affidavit up` has signed of a live export is rederived and replayed while it runs.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Rederived } from '@affidavit/cli/rederive/run.ts';
import type { ReplayedSession } from '@affidavit/cli/replay/report.ts';
import { affidavit } from '../../../test/e2e/affidavit.ts';
import { liveExport } from '../../../test/e2e/live-export.ts';
import { configOf, repositoriesOf } from '../replay/recorded-past.ts';
import { runCli, temporaryFolder } from '../run-cli.ts';

const stream = '07-net-foreign';
const waitMsMax = 90_000;

test('rederive and replay: of a live host, while `up` runs and after it', async (t) => {
	const data = temporaryFolder(t);
	configOf(data, { repositories: repositoriesOf([stream]), skewMsMax: 2500, graceMs: 1000 });
	const config = ['--config', join(data, 'affidavit.yaml'), '--json'];
	const live = liveExport(join(data, 'export'), stream, 20, [900]);
	let child: ChildProcess | undefined;
	const ended = affidavit(['up', '--export', live.path, ...config], {
		started: (running) => {
			child = running;
		},
	});
	assert.ok(child);
	let told = '';
	child.stdout?.on('data', (text: string) => {
		told += text;
	});
	await live.playTo(1);
	for (let waited = 0; !told.includes('\n') && waited < waitMsMax && child.exitCode === null; waited += 100)
		await sleep(100);
	try {
		const { session } = JSON.parse(told.split('\n', 1)[0] || '{}') as { session: string };
		const check = async (isOver: boolean): Promise<void> => {
			const run = await runCli(['rederive', session, ...config]);
			assert.equal(run.code, 0, `${run.stdout}${run.stderr}`);
			const { outcome, facts, statements } = JSON.parse(run.stdout) as Rederived;
			assert.equal(outcome, 'equal');
			assert.equal(facts, 'same');
			assert.ok(statements.length >= 4);
			const replayed = await runCli(['replay', '--from', '1h', '--to', 'now', ...config]);
			assert.equal(replayed.code, 0, replayed.stderr);
			const sessions = replayed.stdout
				.trimEnd()
				.split('\n')
				.map((line) => JSON.parse(line) as ReplayedSession);
			assert.ok(sessions.some((one) => one.session === session && one.before !== null));
			for (const { session: id, cut, before, now, findings } of sessions) {
				// Another one may be on its way still.
				if (!isOver && id !== session) continue;
				assert.equal(cut, null);
				assert.equal(before?.verdict, now?.verdict);
				assert.ok(findings.every(({ mark }) => mark === 'same'));
			}
			if (isOver) assert.ok(sessions.some(({ now }) => now?.verdict === 'failed'));
		};
		await check(false);
		child.kill('SIGTERM');
		assert.equal((await ended).code, 0);
		await check(true);
	} finally {
		child.kill('SIGKILL');
		await ended;
	}
});
