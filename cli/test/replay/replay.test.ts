import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ReplayedSession } from '@affidavit/cli/replay/report.ts';
import { readExpectation } from '../../../test/e2e/expectation.ts';
import { type CliRun, runCli, temporaryFolder } from '../run-cli.ts';
import { configOf, makePast, type RecordedPast } from './recorded-past.ts';

const at = (time: string): number => Date.parse(`2026-11-20T${time}Z`);
const configFile = ({ data }: RecordedPast): string[] => ['--config', join(data, 'affidavit.yaml')];

async function replay(past: RecordedPast, ...args: string[]): Promise<{ run: CliRun; sessions: ReplayedSession[] }> {
	const run = await runCli(['replay', ...configFile(past), '--json', ...args]);
	const sessions = run.stdout
		.split('\n')
		.filter(Boolean)
		.map((line) => JSON.parse(line) as ReplayedSession);
	return { run, sessions };
}

const day = ['--from', '2026-11-20', '--to', '2026-11-21'] as const;
const trojan = '03-go-trojan-compiler';

test('replay: the same rules find the same, and leave nothing behind', async (t) => {
	const past = await makePast(t, [{ stream: '07-net-foreign', kind: 'export', atMs: at('08:00:00') }]);
	const { run, sessions } = await replay(past, ...day);
	assert.equal(run.code, 0, run.stderr);
	assert.equal(sessions.length, 1, run.stderr);
	const [session] = sessions as [ReplayedSession];
	const [verdict] = past.verdicts;
	assert.equal(session.session, verdict?.session);
	assert.equal(session.cut, null);
	assert.deepEqual(session.before, { verdict: 'failed', revision: 1 });
	assert.equal(session.now?.verdict, 'failed');
	assert.deepEqual(
		session.findings.map(({ mark, id }) => ({ mark, id })),
		verdict?.findings.map(({ id }) => ({ mark: 'same', id })),
	);
	assert.deepEqual(session.judgedAgainst, {
		rules: { state: 'same' },
		indicators: { state: 'same' },
		manifest: 'same',
	});
	assert.match(run.stderr, /1 sessions, 0 of them cut/);
	assert.deepEqual(readdirSync(join(past.data, 'replay')), []);
});

test('replay: an indicator that was learned later is a new finding', async (t) => {
	const past = await makePast(t, [{ stream: trojan, atMs: at('08:00:00') }]);
	const indicators = join(past.data, 'learned.txt');
	writeFileSync(indicators, `${readExpectation(trojan).indicators?.join('\n')} the compiler\n`);
	const { run, sessions } = await replay(past, ...day, '--indicators', indicators);
	assert.equal(run.code, 0, run.stderr);
	const [session] = sessions as [ReplayedSession];
	const news = session.findings.filter(({ mark }) => mark === 'new');
	assert.deepEqual(
		[...new Set(news.map(({ rule }) => rule))],
		['denied-tool-digest'],
		JSON.stringify(session.findings.map(({ mark, rule }) => `${mark} ${rule}`)),
	);
	assert.equal(session.now?.verdict, 'failed');
	assert.notEqual(session.before?.verdict, 'failed');
	assert.deepEqual(session.judgedAgainst?.indicators, { state: 'changed', added: 1, removed: 0, changed: 0 });
	assert.deepEqual(session.judgedAgainst?.rules, { state: 'same' });
	const text = await runCli(['replay', ...configFile(past), ...day, '--indicators', indicators, '--changed']);
	assert.match(text.stdout, /indicators: \+1; manifest same/);
	assert.match(text.stdout, /\+ new +critical +denied-tool-digest/);
});

const rule = `id: build-makes-connections
title: A build process opened a connection
description: For the test.
engine: cel
severity: high
attack: [T1195.002]
references: []
on: [connect]
hooks: []
when: fact.port > 0
subject: [address, port]
evidence: connected to {address}
explain: '{process} connected to {address}.'
cases:
  - name: connects
    given:
      connections: [{ op: connect, execId: root, family: AF_INET, address: 192.0.2.1, port: 443 }]
    then: [{ severity: high }]
  - name: does not
    given: {}
    then: []
`;

test('replay: a new rule of a folder finds what the rules of then did not; a rule that is gone is named', async (t) => {
	const past = await makePast(t, [{ stream: '07-net-foreign', kind: 'export', atMs: at('08:00:00') }]);
	const rules = join(past.data, 'rules');
	mkdirSync(rules);
	writeFileSync(join(rules, 'build-makes-connections.yaml'), rule);
	const { run, sessions } = await replay(past, ...day, '--rules', rules);
	assert.equal(run.code, 0, run.stderr);
	const [session] = sessions as [ReplayedSession];
	const news = session.findings.filter(({ mark }) => mark === 'new');
	assert.ok(news.length > 0 && news.every((f) => f.rule === 'build-makes-connections'), run.stdout);
	assert.deepEqual(session.judgedAgainst?.rules, {
		state: 'changed',
		added: ['build-makes-connections'],
		removed: [],
		changed: [],
		options: false,
	});
});

test('replay: findings of then that today no rule makes are gone', async (t) => {
	const indicators = join(temporaryFolder(t), 'indicators.txt');
	writeFileSync(indicators, `${readExpectation(trojan).indicators?.join('\n')}\n`);
	const past = await makePast(t, [{ stream: trojan, atMs: at('08:00:00') }], { indicators: [indicators] });
	configOf(past.data, { repositories: past.config.repositories });
	const { sessions, run } = await replay(past, ...day);
	const [session] = sessions as [ReplayedSession];
	assert.ok(
		session.findings.some(({ mark, rule }) => mark === 'gone' && rule === 'denied-tool-digest'),
		run.stdout,
	);
	assert.deepEqual(session.judgedAgainst?.indicators, { state: 'changed', added: 0, removed: 1, changed: 0 });
});

const edges = (sessions: readonly ReplayedSession[]) =>
	sessions.map(({ session, host, cut }) => `${session.slice(0, 8)} ${host} ${cut}`);

test('replay: the window holds the sessions that opened in it; what its edges cut is said', async (t) => {
	// Batches ten minutes apart: the two sessions of the first host open at 09:00 and 10:10 and close at 11:40.
	const past = await makePast(t, [
		{ stream: '08d-container-ns', host: 'early', kind: 'export', atMs: at('08:00:00'), stepMs: 600_000 },
		{ stream: '07-net-foreign', host: 'late', kind: 'export', atMs: at('18:00:00') },
	]);
	const [first = '', second = '', third = ''] = past.verdicts.map(({ session }) => session.slice(0, 8));
	const within = async (from: string, to: string, ...args: string[]): Promise<string[]> => {
		const { run, sessions } = await replay(past, '--from', `2026-11-20T${from}Z`, '--to', `2026-11-20T${to}Z`, ...args);
		assert.equal(run.code, 0, run.stderr);
		return edges(sessions).sort();
	};
	const all = [`${first} early null`, `${second} early null`, `${third} late null`];
	assert.deepEqual(await within('00:00', '23:59'), all.sort());
	// What opened in the window is read to its close.
	assert.deepEqual(await within('08:30', '09:30'), [`${first} early null`]);
	assert.deepEqual(await within('10:00', '10:30'), [`${first} early began-before`, `${second} early null`].sort());
	assert.deepEqual(await within('17:00', '19:00'), [`${third} late null`]);
	// With too short a reading the one has no end, and the other no beginning.
	assert.deepEqual(await within('10:00', '10:30', '--longest', '1s', '--host', 'early'), [
		`${second} early still-open`,
	]);
	assert.deepEqual(await within('00:00', '23:59', '--host', 'late'), [`${third} late null`]);
	assert.deepEqual(await within('00:00', '23:59', '--session', second), [`${second} early null`]);
});

test('replay: wrong times and an empty data folder are told in a sentence', async (t) => {
	const data = temporaryFolder(t);
	const bad = await runCli(['replay', '--from', 'yesterday', '--to', 'now', '--data', data]);
	assert.equal(bad.code, 2);
	assert.match(bad.stderr, /--from.*yesterday.*expected 2026/);
	const turned = await runCli(['replay', '--from', '1h', '--to', '2h', '--data', data]);
	assert.match(turned.stderr, /--to: expected a time after --from/);
	const none = await runCli(['replay', '--from', '1h', '--to', 'now', '--data', data]);
	assert.equal(none.code, 2);
	assert.match(none.stderr, /live: no log: `affidavit up` writes one/);
});
