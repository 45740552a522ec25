// SYNTHETIC streams (test/synthetic) for what no recording holds, through the real command.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeRepository } from '../synthetic/repository.ts';
import * as scenarios from '../synthetic/scenarios.ts';
import type { StreamBuilder } from '../synthetic/stream-builder.ts';
import { affidavit, processFiles, type SessionObject, temporaryFolder } from './affidavit.ts';

type After = { after: (fn: () => void) => void };

async function play(
	t: Parameters<typeof processFiles>[0] & After,
	make: (commit: string) => StreamBuilder,
): Promise<{ sessions: SessionObject[]; only: SessionObject; code: number | null; stderr: string; data: string }> {
	const data = temporaryFolder(t);
	const repository = join(data, 'repository');
	const file = join(data, 'events.jsonl');
	writeFileSync(file, make(makeRepository(repository)).text());
	const { run, sessions } = await processFiles(t, [file], { data, repos: { 'example/synthetic': repository } });
	const [only] = sessions;
	assert.ok(only, run.stderr);
	return { sessions, only, code: run.code, stderr: run.stderr, data };
}

const rules = (s: SessionObject): string[] => s.findings.map((f) => f.rule);
const grave = (s: SessionObject): string[] =>
	s.findings.filter((f) => ['medium', 'high', 'critical'].includes(f.severity)).map((f) => f.rule);

test('synthetic: a clean build passes', async (t) => {
	const { only, code } = await play(t, scenarios.clean);
	assert.equal(only.verdict, 'passed', JSON.stringify(only));
	assert.equal(code, 0);
	assert.deepEqual(grave(only), []);
	assert.ok(only.products.some((p) => p.path === 'app' && p.sha256 !== null));
});

test('synthetic: six steps of one job are one session; checkout by the first, build by the third', async (t) => {
	const { sessions, only } = await play(t, scenarios.sixSteps);
	assert.equal(sessions.length, 1);
	assert.deepEqual(grave(only), []);
	assert.equal(only.verdict, 'passed', JSON.stringify(only.completeness));
});

test('synthetic: a stranger that sets GITHUB_RUN_ID does not join, and both sessions say so', async (t) => {
	const { sessions, data } = await play(t, scenarios.stranger);
	assert.equal(sessions.length, 2);
	const build = sessions.find((s) => s.root.binary === '/usr/bin/bash');
	assert.ok(build);
	assert.deepEqual(grave(build), []);
	for (const { session } of sessions) {
		const show = await affidavit(['session', 'show', session, '--data', data, '--json']);
		assert.match(show.stdout, /session-id-reused/);
		const { trace } = JSON.parse(show.stdout) as { trace: { processes: { arguments: string; foreign: boolean }[] } };
		const intruder = trace.processes.some((p) => p.arguments.includes('intruder.py') && !p.foreign);
		assert.equal(intruder, session !== build.session);
	}
});

test('synthetic: same-size tampering seen as a write fails, with the writer named', async (t) => {
	const { only } = await play(t, scenarios.sameSizeWithWrite);
	assert.equal(only.verdict, 'failed');
	for (const rule of [
		'compiler-read-differs-from-repo',
		'source-swapped-and-restored',
		'foreign-write-into-workspace',
	]) {
		const finding = only.findings.find((f) => f.rule === rule);
		assert.equal(finding?.path, 'lib.c', rule);
		assert.equal(finding?.writer?.binary, '/usr/bin/python3', rule);
	}
});

test('synthetic: same-size tampering through a mapping (no write event) fails by the write-open', async (t) => {
	const { only } = await play(t, scenarios.sameSizeByMapping);
	assert.equal(only.verdict, 'failed', JSON.stringify(only));
	assert.ok(rules(only).includes('compiler-read-differs-from-repo'));
});

test('synthetic: same-size tampering without any event, one read: unverified, so incomplete', async (t) => {
	const { only, code } = await play(t, scenarios.sameSizeSilent);
	assert.equal(only.verdict, 'incomplete', JSON.stringify(only));
	assert.ok(only.completeness.unverified > 0);
	assert.equal(code, 1);
});

test('synthetic: same-size tampering without any event, two compilations agree: failed', async (t) => {
	const { only } = await play(t, scenarios.sameSizeSilentTwice);
	assert.equal(only.verdict, 'failed', JSON.stringify(only));
	assert.ok(rules(only).includes('compiler-read-differs-from-repo'));
});

test('synthetic: an attacker who floods opens is still found', async (t) => {
	const { only } = await play(t, scenarios.openFlood);
	assert.equal(only.verdict, 'failed', JSON.stringify(only));
	assert.ok(grave(only).length > 0);
});

test('synthetic: a root that execs its last command', async (t) => {
	const { sessions, only } = await play(t, scenarios.rootExecsLast);
	assert.equal(sessions.length, 1);
	assert.equal(only.verdict, 'passed', JSON.stringify(only.completeness));
	assert.ok(only.products.some((p) => p.path === 'out.tar'));
});

test('synthetic: loss inside the session makes it incomplete and names the cause', async (t) => {
	const { only } = await play(t, scenarios.lossInside);
	assert.equal(only.verdict, 'incomplete');
	assert.equal(only.completeness.lostEvents, 42);
	assert.ok(only.completeness.gaps.some((g) => g.cause === 'rate-limit'));
});

test('synthetic: a host that falls silent leaves an incomplete session, not a passed one', async (t) => {
	const { only } = await play(t, scenarios.fallsSilent);
	assert.equal(only.verdict, 'incomplete', JSON.stringify(only));
});
