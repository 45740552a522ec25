// Confirmed findings at a real receiver: signed, once each, again under the same id when it fails.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { type Received, secret, startReceiver } from '../../services/detect/test/alert/receiver.ts';
import { fixtures, processFiles, type SessionObject, temporaryFolder } from './affidavit.ts';
import { processOptions, readExpectation } from './expectation.ts';
import { webhookConfig } from './webhook-config.ts';

const stream = '07-net-foreign';
const idOf = (received: Received): string => received.headers['webhook-id'] ?? '';

interface Message {
	type: string;
	id: string;
	rule: string;
	severity: string;
	path: string;
	session: string;
}

/** What standardwebhooks accepts; throws on anything else. */
const verified = ({ headers, body }: Received): Message => new Webhook(secret).verify(body, headers) as Message;

const processTo = (
	t: Parameters<typeof processFiles>[0],
	url: string,
	data: string,
	started?: (child: ChildProcess) => void,
) =>
	processFiles(t, [join(fixtures, stream, 'events.jsonl.gz')], {
		...processOptions(stream, readExpectation(stream), data),
		extra: webhookConfig(data, url),
		...(started ? { started } : {}),
	});

const findingIds = (sessions: readonly SessionObject[]): string[] =>
	sessions.flatMap((s) => s.findings.map((f) => String((f as unknown as { id: string }).id))).sort();

test('webhook: each confirmed finding is posted once and verifies; a changed byte does not', async (t) => {
	await using receiver = await startReceiver();
	const { run, sessions } = await processTo(t, receiver.url, temporaryFolder(t));
	assert.equal(run.code, 1, run.stderr);
	const messages = receiver.received.map(verified);
	assert.deepEqual(messages.map((m) => m.id).sort(), findingIds(sessions));
	assert.ok(messages.every((m) => m.type === 'finding.confirmed' && m.session === sessions[0]?.session));
	assert.ok(messages.some((m) => m.rule === 'compiler-read-differs-from-repo' && m.path === 'src/m9.c'));
	assert.equal(new Set(receiver.received.map(idOf)).size, messages.length);

	const [first] = receiver.received;
	assert.ok(first);
	for (const at of [0, first.body.length >> 1, first.body.length - 1]) {
		const bytes = Buffer.from(first.body);
		bytes[at] = (bytes[at] as number) ^ 1;
		assert.throws(() => verified({ ...first, body: bytes.toString('latin1') }), /signature/i);
	}
	const otherId = { ...first.headers, 'webhook-id': `${idOf(first)}0` };
	assert.throws(() => verified({ ...first, headers: otherId }), /signature/i);
	assert.ok(!`${run.stdout}${run.stderr}`.includes(secret), 'the secret is printed');
});

test('webhook: a receiver that answers 503 twice gets every finding, again under the same id', async (t) => {
	await using receiver = await startReceiver((response, _request, count) =>
		response.writeHead(count <= 2 ? 503 : 204).end(),
	);
	const data = temporaryFolder(t);
	const { run, sessions } = await processTo(t, receiver.url, data);
	assert.equal(run.code, 1, run.stderr);
	const refused = receiver.received.slice(0, 2).map(idOf);
	const taken = receiver.received.slice(2);
	assert.deepEqual(taken.map((r) => verified(r).id).sort(), findingIds(sessions));
	for (const id of refused) assert.ok(taken.some((r) => idOf(r) === id));
	assert.deepEqual(readdirSync(join(data, 'jobs')), [], 'nothing is left to be done');
});

test('webhook: SIGTERM while the receiver fails: the same command posts what it has not taken, under the same ids', async (t) => {
	const data = temporaryFolder(t);
	let child: ChildProcess | undefined;
	await using receiver = await startReceiver((response, _request, count) => {
		response.writeHead(503).end();
		if (count === 6) child?.kill('SIGTERM');
	});
	const started = (running: ChildProcess): void => {
		child = running;
	};
	const ended = await processTo(t, receiver.url, data, started);
	assert.equal(ended.run.code, 1, ended.run.stderr);
	assert.match(ended.run.stderr, /the same command/);
	const refused = new Set(receiver.received.map(idOf));
	assert.equal(readdirSync(join(data, 'jobs')).length, 1);

	receiver.received.length = 0;
	receiver.answer = (response) => response.writeHead(204).end();
	const again = await processTo(t, receiver.url, data);
	assert.deepEqual(receiver.received.map((r) => verified(r).id).sort(), findingIds(again.sessions));
	for (const id of refused) assert.ok(receiver.received.some((r) => idOf(r) === id));
	assert.deepEqual(readdirSync(join(data, 'jobs')), []);
});

test('webhook: a receiver that is gone (410) is told of, and holds up nothing', async (t) => {
	await using receiver = await startReceiver((response) => response.writeHead(410).end());
	const { run, sessions } = await processTo(t, receiver.url, temporaryFolder(t));
	assert.equal(run.code, 1, run.stderr);
	assert.match(run.stderr, /alert_undelivered/);
	assert.equal(sessions[0]?.verdict, 'failed');
});
