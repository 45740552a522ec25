// `affidavit up` beside a Tetragon that writes, rotates and goes on writing while the command is killed.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { type Receiver, secret, startReceiver } from '../../services/detect/test/alert/receiver.ts';
import {
	affidavit,
	fixtures,
	processFiles,
	type Run,
	type SessionObject,
	sessionsOf,
	temporaryFolder,
} from './affidavit.ts';
import { liveExport } from './live-export.ts';
import { webhookConfig } from './webhook-config.ts';

const stream = '07-net-foreign';
const repos = { 'example/capp7': join(fixtures, stream, 'repo.bundle') };
/** Ten seconds for the recorded fifty-three. */
const speed = 5;
/** Lines after which the file is rotated; the first only after the command has surely read something (before, it begins with the live file). */
const rotations = [900, 1180, 1700];
const workMsMin = 1000;
const waitMsMax = 60_000;

interface Watch {
	child: ChildProcess;
	/** Resolves when it has said what it watches. */
	watching: Promise<void>;
	ended: Promise<Run>;
}

function watchExport(data: string, path: string, config: readonly string[]): Watch {
	let child: ChildProcess | undefined;
	const args = ['up', '--export', path, '--data', data, '--out', join(data, 'out'), '--json', ...config];
	for (const [name, location] of Object.entries(repos)) args.push('--repo', `${name}=${location}`);
	const ended = affidavit(args, {
		started: (running) => {
			child = running;
		},
	});
	assert.ok(child);
	const { stderr } = child;
	const watching = new Promise<void>((resolve) => {
		stderr?.on('data', (text: string) => {
			if (text.includes('affidavit: watching')) resolve();
		});
	});
	return { child, watching: Promise.race([watching, ended.then(() => {})]), ended };
}

const configOf = (data: string, receiver: Receiver): string[] =>
	webhookConfig(data, receiver.url, { skewMsMax: 2500, graceMs: 1000 });

const isFound = ({ received }: Receiver): boolean =>
	received.some((r) => r.body.includes('"compiler-read-differs-from-repo"'));

async function until(isDone: () => boolean, what: string, watch: Watch): Promise<void> {
	for (let waited = 0; waited < waitMsMax && watch.child.exitCode === null; waited += 50) {
		if (isDone()) return;
		await sleep(50);
	}
	watch.child.kill('SIGKILL');
	const { stdout, stderr } = await watch.ended;
	assert.fail(`${what}: not seen\n${stdout}\n${stderr}`);
}

/** What must not depend on where the host's boot id and the files' ends are. */
const essence = (s: SessionObject) => ({
	ciRunId: s.ciRunId,
	verdict: s.verdict,
	counts: s.counts,
	findings: s.findings.map(({ rule, severity, path, digest, expectedDigest }) => ({
		rule,
		severity,
		path,
		digest,
		expectedDigest,
	})),
	products: s.products,
	gaps: s.completeness.gaps,
	lostEvents: s.completeness.lostEvents,
});

/** The session as it is judged from the same files when they are all written. */
async function recorded(t: Parameters<typeof processFiles>[0], files: string[]): Promise<SessionObject[]> {
	const { run, sessions } = await processFiles(t, files, { data: temporaryFolder(t), repos });
	assert.equal(run.code, 1, run.stderr);
	return sessions;
}

function assertPosted(receiver: Receiver, session: SessionObject): void {
	const ids = new Set<string>();
	for (const { headers, body } of receiver.received) {
		const message = new Webhook(secret).verify(body, headers) as { id: string; session: string };
		assert.equal(message.session, session.session);
		ids.add(message.id);
	}
	const findings = session.findings.map((f) => String((f as unknown as { id: string }).id));
	assert.deepEqual([...ids].sort(), findings.sort());
	// One message a finding, however often it was sent.
	assert.equal(new Set(receiver.received.map((r) => r.headers['webhook-id'])).size, findings.length);
}

test('up: a tampered build on a live export is found, posted and attested; SIGTERM drains and exits 0', async (t) => {
	const data = temporaryFolder(t);
	await using receiver = await startReceiver();
	const live = liveExport(join(data, 'export'), stream, speed, rotations);
	const watch = watchExport(data, live.path, configOf(data, receiver));
	await live.playTo(1);
	await until(() => isFound(receiver), 'the finding at the webhook', watch);
	watch.child.kill('SIGTERM');
	const run = await watch.ended;
	assert.equal(run.code, 0, run.stderr);
	const sessions = sessionsOf(run);
	assert.equal(sessions.length, 1, run.stderr);
	const [session] = sessions as [SessionObject];
	assertPosted(receiver, session);
	assert.ok(session.statements.length >= 4);
	for (const { envelope } of session.statements) assert.ok(existsSync(envelope), envelope);
	assert.deepEqual(sessions.map(essence), (await recorded(t, live.files())).map(essence));
});

test('up: killed again and again while Tetragon writes and rotates: nothing is lost, nothing judged twice', async (t) => {
	const data = temporaryFolder(t);
	await using receiver = await startReceiver();
	const live = liveExport(join(data, 'export'), stream, speed, rotations);
	const config = configOf(data, receiver);
	const runs: Run[] = [];
	for (const share of [0.1, 0.4, 0.75]) {
		const watch = watchExport(data, live.path, config);
		// Tetragon writes on while the command starts, while it works, and while it is away.
		await Promise.all([watch.watching, live.playTo(share)]);
		await Promise.all([sleep(workMsMin), live.playTo(share + 0.1)]);
		watch.child.kill('SIGKILL');
		runs.push(await watch.ended);
		await live.playTo(share + 0.15);
	}
	assert.ok(runs.every((run) => run.signal === 'SIGKILL'));
	const watch = watchExport(data, live.path, config);
	await live.playTo(1);
	await until(() => isFound(receiver), 'the finding at the webhook', watch);
	watch.child.kill('SIGTERM');
	const last = await watch.ended;
	assert.equal(last.code, 0, last.stderr);
	const sessions = [...runs, last].flatMap(sessionsOf);
	assert.equal(sessions.length, 1, last.stderr);
	assertPosted(receiver, sessions[0] as SessionObject);
	assert.deepEqual(sessions.map(essence), (await recorded(t, live.files())).map(essence));
});
