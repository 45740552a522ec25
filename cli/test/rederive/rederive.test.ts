import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { gitoid } from '@affidavit/attest/gitoid.ts';
import type { Rederived } from '@affidavit/cli/rederive/run.ts';
import { configOf, makePast, type PastRecording, type RecordedPast } from '../replay/recorded-past.ts';
import { type CliRun, runCli } from '../run-cli.ts';

const atMs = Date.parse('2026-11-20T08:00:00Z');
const configFile = ({ data }: RecordedPast): string[] => ['--config', join(data, 'affidavit.yaml')];

async function rederive(
	past: RecordedPast,
	target: string,
	...args: string[]
): Promise<{ run: CliRun; result: Rederived }> {
	const run = await runCli(['rederive', target, ...configFile(past), '--json', ...args]);
	assert.notEqual(run.stdout, '', run.stderr);
	return { run, result: JSON.parse(run.stdout) as Rederived };
}

/** Changes one record of the log's topic `trace`. */
function changeRecord(
	{ data }: RecordedPast,
	offset: number,
	change: ((value: Uint8Array) => Uint8Array) | null,
): void {
	const db = new DatabaseSync(join(data, 'live/log.db'));
	try {
		if (change === null) {
			db.prepare('DELETE FROM records_trace_0 WHERE position = ?').run(offset);
			return;
		}
		const row = db.prepare('SELECT value FROM records_trace_0 WHERE position = ?').get(offset);
		const value = change(new Uint8Array(row?.['value'] as Uint8Array));
		db.prepare('UPDATE records_trace_0 SET value = ? WHERE position = ?').run(value, offset);
	} finally {
		db.close();
	}
}

const live = (stream: string): PastRecording => ({ stream, kind: 'export', atMs });
const small = (t: TestContext): Promise<RecordedPast> => makePast(t, [live('08d-container-ns')]);
const firstOf = ({ verdicts }: RecordedPast): string => verdicts[0]?.session ?? '';

test('rederive: every statement of live and recorded sessions comes out byte for byte, also after the settings have changed', async (t) => {
	const past = await makePast(t, [
		live('07-net-foreign'),
		{ stream: '03-go-trojan-compiler', host: 'other', atMs: atMs + 3_600_000 },
		{ stream: '08d-container-ns', kind: 'export', host: 'third', atMs: atMs + 7_200_000 },
	]);
	assert.equal(past.verdicts.length, 4);
	// The rules, repositories and step of today are others; the snapshots are pinned.
	configOf(past.data, { step: 'other', strictSources: true });
	for (const { session } of past.verdicts) {
		const { run, result } = await rederive(past, session.slice(0, 16));
		assert.equal(run.code, 0, `${run.stdout}${run.stderr}`);
		assert.equal(result.outcome, 'equal');
		assert.equal(result.session, session);
		assert.equal(result.facts, 'same');
		assert.deepEqual([...new Set(result.statements.map((s) => s.result))], ['equal']);
		assert.deepEqual(
			result.statements.map((s) => s.name),
			['collection', 'runtime-trace', 'index', 'vsa'],
		);
		assert.deepEqual(result.signatures, { verified: 4, 'bad-signature': 0, 'other-key': 0, 'not-checked': 0 });
		assert.match(
			run.stderr,
			/not pinned by a verdict, taken from the configuration: matchers shipped, skewMsMax 10000/,
		);
	}
	assert.deepEqual(readdirSync(join(past.data, 'replay')), []);
});

test('rederive: finds a session by an envelope and in words; of an unknown one it says so', async (t) => {
	const past = await small(t);
	const session = firstOf(past);
	const envelope = readFileSync(join(past.config.outDir, session, 'r1/vsa.dsse.json'));
	const { run, result } = await rederive(past, `gitoid:blob:sha256:${gitoid(envelope)}`);
	assert.equal(run.code, 0, run.stderr);
	assert.equal(result.session, session);
	const text = await runCli(['rederive', session, ...configFile(past)]);
	assert.match(text.stdout, /^EQUAL {2}session /);
	const unknown = await runCli(['rederive', 'f'.repeat(64), ...configFile(past)]);
	assert.equal(unknown.code, 2);
	assert.match(unknown.stderr, /neither a session nor an envelope/);
	const wrong = await runCli(['rederive', '../x', ...configFile(past)]);
	assert.match(wrong.stderr, /expected a session id or its beginning/);
});

test('rederive: an envelope that says something else differs, and the place is named', async (t) => {
	const past = await small(t);
	const session = firstOf(past);
	const path = join(past.config.outDir, session, 'r1/vsa.dsse.json');
	const envelope = JSON.parse(readFileSync(path, 'utf8')) as { payload: string };
	const statement = JSON.parse(Buffer.from(envelope.payload, 'base64').toString()) as {
		predicate: { verificationResult: string };
	};
	statement.predicate.verificationResult = 'FAILED';
	const payload = Buffer.from(JSON.stringify(statement)).toString('base64');
	writeFileSync(path, JSON.stringify({ ...envelope, payload }));
	const { run, result } = await rederive(past, session);
	assert.equal(run.code, 1, run.stdout);
	assert.equal(result.outcome, 'differs');
	const vsa = result.statements.find(({ name }) => name === 'vsa');
	assert.equal(vsa?.result, 'differs');
	assert.deepEqual(vsa?.difference, {
		path: 'predicate.verificationResult',
		signed: '"FAILED"',
		rederived: '"PASSED"',
	});
	assert.equal(result.signatures['bad-signature'], 1);
	assert.ok(result.reasons.some((reason) => reason.includes('its signature does not match')));
	const text = await runCli(['rederive', session, ...configFile(past)]);
	assert.match(text.stdout, /vsa: first difference at predicate\.verificationResult/);
});

test('rederive: refuses a trace of which one byte differs, a record is gone, or the beginning', async (t) => {
	const past = await small(t);
	const session = firstOf(past);
	const file = join(past.data, 'live/log.db');
	const whole = readFileSync(file);
	changeRecord(past, 8, (value) => {
		value[value.length >> 1] = (value[value.length >> 1] as number) ^ 1;
		return value;
	});
	const altered = await rederive(past, session);
	assert.equal(altered.run.code, 2, altered.run.stdout);
	assert.equal(altered.result.outcome, 'cannot');
	assert.ok(
		altered.result.reasons.some((reason) => /^trace\/0\/8: bad-signature/.test(reason)),
		altered.run.stdout,
	);
	assert.deepEqual(
		altered.result.trace?.refused.map(({ origin, code }) => `${origin} ${code}`),
		['trace/0/8 bad-signature'],
	);

	writeFileSync(file, whole);
	changeRecord(past, 8, null);
	const gone = await rederive(past, session);
	assert.equal(gone.run.code, 2, gone.run.stdout);
	assert.ok(
		gone.result.reasons.some((reason) => /not what it was when this was signed: chain-gap/.test(reason)),
		gone.run.stdout,
	);

	writeFileSync(file, whole);
	const db = new DatabaseSync(file);
	db.exec(
		"DELETE FROM records_trace_0 WHERE position < 8; UPDATE partition SET start = 8 WHERE topic = 'trace' AND partition = 0",
	);
	db.close();
	const trimmed = await rederive(past, session);
	assert.equal(trimmed.run.code, 2, trimmed.run.stdout);
	assert.ok(
		trimmed.result.reasons.some((reason) => /trace\/0 begins with batch 8 of host/.test(reason)),
		trimmed.run.stdout,
	);
});

test('rederive: says which snapshot is gone, that the host key is unknown, that nobody known has signed', async (t) => {
	const past = await small(t);
	const session = firstOf(past);
	const [verdict] = past.verdicts;
	const manifest = verdict?.manifest ?? '';
	const blob = join(past.data, 'blobs', manifest.slice(0, 2), manifest.slice(2, 4), manifest);
	const bytes = readFileSync(blob);
	rmSync(blob);
	const without = await rederive(past, session);
	assert.equal(without.run.code, 2);
	assert.deepEqual(without.result.reasons, [`repository manifest: no blob ${manifest}`]);
	writeFileSync(blob, bytes.subarray(1));
	const damaged = await rederive(past, session);
	assert.match(damaged.result.reasons.join(), /repository manifest: .*another sha256/);
	writeFileSync(blob, bytes);

	const keys = join(past.data, 'keys');
	const hostKey = readFileSync(join(keys, 'host.pub.pem'));
	const signingKey = readFileSync(join(keys, 'signing.pub.pem'));
	const foreign = await rederive(past, session, '--public-key', join(keys, 'host.pub.pem'));
	assert.equal(foreign.run.code, 2);
	assert.match(foreign.result.reasons.join(), /none of the given keys has signed them/);
	writeFileSync(join(keys, 'host.pub.pem'), signingKey);
	const unknown = await rederive(past, session);
	assert.equal(unknown.run.code, 2);
	assert.match(unknown.result.reasons.join(), /^host key unknown/);
	writeFileSync(join(keys, 'host.pub.pem'), hostKey);

	rmSync(join(past.config.outDir, session, 'r1/vsa.dsse.json'));
	const partly = await rederive(past, session);
	assert.equal(partly.run.code, 0, partly.run.stdout);
	assert.equal(
		partly.result.statements.find(({ predicateType }) => /verification_summary/.test(predicateType))?.result,
		'digest-only',
	);
	rmSync(join(past.config.outDir, session, 'r1/runtime-trace.dsse.json'));
	const nothing = await rederive(past, session);
	assert.equal(nothing.run.code, 2);
	assert.match(nothing.result.reasons.join(), /no envelope of a runtime-trace statement/);
});

test('rederive: needs the trace, the envelopes and the snapshots, and nothing of the other topics', async (t) => {
	const past = await small(t);
	const db = new DatabaseSync(join(past.data, 'live/log.db'));
	for (const topic of ['session', 'finding', 'verdict', 'attestation'])
		db.exec(`DELETE FROM records_${topic}_0; UPDATE partition SET start = next WHERE topic = '${topic}'`);
	db.close();
	for (const file of ['store.db', 'store.db-wal', 'store.db-shm'])
		rmSync(join(past.data, 'live', file), { force: true });
	for (const { session } of past.verdicts) {
		const { run, result } = await rederive(past, session);
		assert.equal(run.code, 0, run.stdout);
		assert.equal(result.outcome, 'equal');
		assert.equal(result.facts, 'unknown');
	}
});
