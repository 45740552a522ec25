import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { envelopeJson } from '@affidavit/attest/dsse.ts';
import { statementBytes } from '@affidavit/attest/statement.ts';
import { inTotoPayloadType, runtimeTracePredicateType, statementTypeV1 } from '@affidavit/attest/type-uris.ts';
import { runCli, temporaryFolder } from '../run-cli.ts';
import { sampleSummary, sampleTrace, sessionId } from '../sessions/sample.ts';

function envelopeOf(trace: unknown): { envelope: Buffer; sha256: string } {
	const predicate = structuredClone(trace);
	const { bytes, sha256 } = statementBytes({
		_type: statementTypeV1,
		subject: [],
		predicateType: runtimeTracePredicateType,
		predicate,
	});
	return { envelope: envelopeJson(inTotoPayloadType, bytes, { keyid: '', sig: Buffer.from('x') }), sha256 };
}

function dataFolder(dir: string): void {
	const { envelope, sha256 } = envelopeOf(sampleTrace);
	const other = `30${'cd'.repeat(31)}`;
	mkdirSync(join(dir, 'sessions'));
	mkdirSync(join(dir, 'attestations', sessionId, 'r1'), { recursive: true });
	const path = join(dir, 'attestations', sessionId, 'r1', 'runtime-trace.dsse.json');
	writeFileSync(path, envelope);
	const statements = [{ predicateType: runtimeTracePredicateType, envelope: path, payloadSha256: sha256 }];
	const write = (id: string, value: unknown): void =>
		writeFileSync(join(dir, 'sessions', `${id}.json`), JSON.stringify(value));
	write(sessionId, { ...sampleSummary, statements });
	write(other, {
		...sampleSummary,
		session: other,
		verdict: 'passed',
		startedAt: '2027-01-01T00:00:00Z',
		findings: [],
	});
	writeFileSync(join(dir, 'sessions', 'README'), 'not a session');
}

test('sessions lists newest first, filtered, as JSON lines or a table', async (t) => {
	const dir = temporaryFolder(t);
	assert.equal((await runCli(['sessions', '--data', dir])).code, 0);
	dataFolder(dir);
	const all = await runCli(['sessions', '--data', dir, '--json']);
	const lines = all.stdout
		.trimEnd()
		.split('\n')
		.map((line) => JSON.parse(line).verdict);
	assert.deepEqual(lines, ['passed', 'failed']);
	const failed = await runCli(['sessions', '--data', dir, '--verdict', 'failed']);
	assert.match(failed.stdout, /^SESSION[^\n]*\n3fababababab {2}2026-08-01/);
	const limited = await runCli(['sessions', '--data', dir, '--limit', '1']);
	assert.match(limited.stderr, /1 more/);
	assert.equal((await runCli(['sessions', '--data', dir, '--limit', '0'])).code, 2);
});

test('session show takes a unique beginning of the id', async (t) => {
	const dir = temporaryFolder(t);
	dataFolder(dir);
	const show = (...args: string[]) => runCli(['session', 'show', ...args, '--data', dir]);
	const json = await show('3f', '--json');
	assert.equal(json.code, 0, json.stderr);
	const shown = JSON.parse(json.stdout);
	assert.equal(shown.session, sessionId);
	assert.equal(shown.trace.processes.length, 4);
	assert.match((await show('3f')).stdout, /processes/);
	const summaryOnly = await show('30');
	assert.equal(summaryOnly.code, 0);
	assert.match(summaryOnly.stderr, /only the summary is shown/);
	for (const [id, reason] of [
		['3', /2 sessions begin so/],
		['ff', /no session ff/],
		['../../etc/passwd', /expected a session id/],
		['3F', /expected a session id/],
	] as const) {
		const refused = await show(id);
		assert.equal(refused.code, 2, id);
		assert.match(refused.stderr, reason);
	}
});

test('facts that are not those of the summary are refused', async (t) => {
	const dir = temporaryFolder(t);
	dataFolder(dir);
	const { envelope } = envelopeOf({ ...sampleTrace, processes: [] });
	writeFileSync(join(dir, 'attestations', sessionId, 'r1', 'runtime-trace.dsse.json'), envelope);
	const { code, stderr } = await runCli(['session', 'show', '3f', '--data', dir]);
	assert.equal(code, 2);
	assert.match(stderr, /payload has sha256 .*, expected /);
	writeFileSync(join(dir, 'sessions', `${sessionId}.json`), '{"session":1}');
	const broken = await runCli(['sessions', '--data', dir]);
	assert.equal(broken.code, 2);
	assert.match(broken.stderr, /3f.*\.json: session/);
	assert.match(broken.stdout, /30cdcdcdcdcd/);
});

test('says where the sessions of a fleet are', async (t) => {
	const fleet = { AFFIDAVIT_KAFKA__BROKERS: 'kafka-1:9092' };
	const { code, stderr } = await runCli(['sessions', '--data', temporaryFolder(t)], { env: fleet });
	assert.equal(code, 0);
	assert.match(stderr, /`affidavit replay --from 24h --to now` lists them/);
});
