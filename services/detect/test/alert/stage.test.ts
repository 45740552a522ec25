// The alert stage against receivers that fail, over crashes between any two commits.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Finding } from '@affidavit/model/generated/finding.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import type { StepResult } from '@affidavit/stream/stage.ts';
import fc from 'fast-check';
import { type AlertStageOptions, createAlertStage } from '../../src/alert/stage.ts';
import { numbered, record, secret, startReceiver, status } from './receiver.ts';

const retry = { attemptsMax: 4, delayMs: 10, delayMsMax: 40 };

/** What the runner's commit keeps: cells, and the next offset. */
function committed() {
	const cells = new Map<string, Uint8Array>();
	const deadLetters: StepResult['deadLetters'] = [];
	return {
		cells,
		deadLetters,
		commit(result: StepResult) {
			for (const [cell, value] of result.cells)
				if (value) cells.set(cell, value);
				else cells.delete(cell);
			deadLetters.push(...result.deadLetters);
		},
	};
}

function stageTo(url: string, change: Partial<AlertStageOptions> = {}) {
	const collected = collectingEmit();
	const stage = createAlertStage({
		url,
		secret,
		allowPrivate: true,
		retry,
		timeoutMs: 1000,
		stepWaitMs: 500,
		emit: collected.emit,
		random: () => 0.5,
		...change,
	});
	return { stage, ...collected, [Symbol.asyncDispose]: () => stage.close() };
}

const records = (...findings: Finding[]): LogRecord[] => findings.map((f, i) => record(i, f));

async function until(isDone: () => boolean, what: string): Promise<void> {
	for (let i = 0; i < 500; i++) {
		if (isDone()) return;
		await sleep(10);
	}
	assert.fail(`timed out waiting for ${what}`);
}

test('confirmed findings are posted in the step, leave no cell, and are posted once', async () => {
	await using receiver = await startReceiver();
	await using sink = stageTo(receiver.url);
	const store = committed();
	const worker = await sink.stage.open(0, new Map());
	const input = records(numbered(1), numbered(2, { state: 'lead' }), numbered(3, { state: 'withdrawn' }), numbered(1));
	const result = await worker.step(input, false);
	store.commit(result);
	assert.equal(receiver.received.length, 1);
	assert.equal(store.cells.size, 0);
	assert.deepEqual(result.outputs, []);
	assert.equal(result.lowWaterOffset, 4);
	assert.equal(result.rebuildOffset, 4);
	store.commit(await worker.step([record(4, numbered(1))], false));
	store.commit(await worker.step([record(5, numbered(9))], true));
	assert.equal(receiver.received.length, 1);
	assert.equal(sink.count('alert_dropped'), 2);
	assert.ok(sink.events.every((e) => e.intentional));
});

test('leads and withdrawals are posted when asked for, each under its own id', async () => {
	await using receiver = await startReceiver();
	await using sink = stageTo(receiver.url, { leads: true });
	const worker = await sink.stage.open(0, new Map());
	await worker.step(records(numbered(1, { state: 'lead' }), numbered(1), numbered(1, { state: 'withdrawn' })), false);
	assert.equal(new Set(receiver.received.map((r) => r.headers['webhook-id'])).size, 3);
});

test('a failing receiver gets the same webhook-id again until it takes it', async () => {
	await using receiver = await startReceiver((response, _request, count) =>
		response.writeHead(count < 3 ? 503 : 200).end(),
	);
	await using sink = stageTo(receiver.url);
	const store = committed();
	const worker = await sink.stage.open(0, new Map());
	const result = await worker.step(records(numbered(1)), false);
	store.commit(result);
	assert.equal(store.cells.size, 1);
	assert.equal(result.rebuildOffset, 0);
	await until(() => receiver.received.length === 3, 'the third try');
	await sleep(50);
	store.commit(await worker.step([record(1, numbered(2))], false));
	assert.equal(store.cells.size, 0);
	assert.equal(receiver.received.length, 4);
	assert.equal(new Set(receiver.received.slice(0, 3).map((r) => r.headers['webhook-id'])).size, 1);
	assert.equal(sink.count('alert_retry'), 2);
});

test('after the last try it is a dead letter, and other findings go on', async () => {
	await using receiver = await startReceiver((response) => {
		const poison = receiver.received.at(-1)?.body.includes('"rule":"poison"');
		response.writeHead(poison ? 500 : 200).end();
	});
	await using sink = stageTo(receiver.url, { concurrency: 1 });
	const store = committed();
	const worker = await sink.stage.open(0, new Map());
	store.commit(await worker.step(records(numbered(1, { rule: 'poison' }), numbered(2), numbered(3)), false));
	await until(() => sink.count('alert_undelivered') === 1, 'the dead letter');
	store.commit(await worker.step([record(3, numbered(4))], false));
	await until(() => receiver.received.length === 4 + 3, 'the finding after it');
	await sleep(50);
	// What was delivered after its step leaves its cell with the next one.
	store.commit(await worker.step([record(4, numbered(5, { state: 'lead' }))], false));
	assert.equal(store.cells.size, 0);
	assert.deepEqual(
		store.deadLetters.map((d) => [d.origin, d.code]),
		[['finding/0/0', 'alert-undeliverable']],
	);
	assert.match(store.deadLetters[0]?.message ?? '', /4 failed tries, the last one: status 500/);
});

test('410 disables the webhook for good, until another URL is configured', async () => {
	await using receiver = await startReceiver(status(410));
	const store = committed();
	{
		await using sink = stageTo(receiver.url);
		const worker = await sink.stage.open(0, new Map());
		store.commit(await worker.step(records(numbered(1)), false));
		store.commit(await worker.step([record(1, numbered(2))], false));
		assert.equal(receiver.received.length, 1);
	}
	assert.deepEqual([...store.cells.keys()], ['webhook-gone']);
	assert.deepEqual(
		store.deadLetters.map((d) => d.code),
		['alert-gone', 'alert-gone'],
	);
	{
		await using sink = stageTo(receiver.url);
		const worker = await sink.stage.open(0, new Map(store.cells));
		store.commit(await worker.step([record(2, numbered(3))], false));
		assert.equal(receiver.received.length, 1);
		assert.equal(store.deadLetters.length, 3);
	}
	await using other = await startReceiver();
	await using sink = stageTo(other.url);
	const worker = await sink.stage.open(0, new Map(store.cells));
	store.commit(await worker.step([record(3, numbered(4))], false));
	assert.equal(other.received.length, 1);
});

test('Retry-After holds for every message of the receiver', async () => {
	await using receiver = await startReceiver(status(429, { 'retry-after': '1' }));
	await using sink = stageTo(receiver.url, { concurrency: 1, retry: { ...retry, delayMsMax: 60_000 } });
	const worker = await sink.stage.open(0, new Map());
	await worker.step(records(numbered(1), numbered(2), numbered(3)), false);
	await sleep(200);
	assert.equal(receiver.received.length, 1);
	receiver.answer = status(200);
	await until(() => receiver.received.length === 4, 'the tries after the pause');
});

test('a receiver that hangs holds up the step no longer than it may, and a full queue drops aloud', async () => {
	await using receiver = await startReceiver(() => {});
	await using sink = stageTo(receiver.url, { stepWaitMs: 100, queueMax: 3, timeoutMs: 60_000 });
	const store = committed();
	const worker = await sink.stage.open(0, new Map());
	const started = Date.now();
	store.commit(await worker.step(records(numbered(1), numbered(2), numbered(3), numbered(4)), false));
	assert.ok(Date.now() - started < 1500);
	assert.equal(store.cells.size, 3);
	assert.deepEqual(
		store.deadLetters.map((d) => [d.origin, d.code]),
		[['finding/0/3', 'alert-queue-full']],
	);
	assert.equal(sink.count('alert_dropped'), 1);
});

test('what is no finding is a dead letter', async () => {
	await using receiver = await startReceiver();
	await using sink = stageTo(receiver.url);
	const worker = await sink.stage.open(0, new Map());
	const result = await worker.step([record(0, Buffer.from('nonsense')), record(1, numbered(1))], false);
	assert.deepEqual(
		result.deadLetters.map((d) => d.code),
		['finding-undecodable'],
	);
	assert.equal(receiver.received.length, 1);
});

test('a worker that is opened anew ends the loop of the one before', async () => {
	await using receiver = await startReceiver(status(500));
	await using sink = stageTo(receiver.url, { retry: { ...retry, delayMs: 100, delayMsMax: 100 } });
	const first = await sink.stage.open(0, new Map());
	await first.step(records(numbered(1)), false);
	assert.equal(receiver.received.length, 1);
	await sink.stage.open(0, new Map());
	await sleep(300);
	assert.equal(receiver.received.length, 1);
});

test('crashes before and after any commit: every finding arrives, under one id, from receivers that fail at random', async () => {
	await fc.assert(
		fc.asyncProperty(
			fc.array(fc.record({ size: fc.integer({ min: 1, max: 4 }), crash: fc.constantFrom('none', 'before', 'after') }), {
				minLength: 1,
				maxLength: 6,
			}),
			fc.array(fc.constantFrom(200, 500, 503), { minLength: 8, maxLength: 8 }),
			async (steps, statuses) => {
				await using receiver = await startReceiver((response, _request, count) =>
					response.writeHead(statuses[count % statuses.length] === 200 || count > 40 ? 200 : 503).end(),
				);
				const store = committed();
				const options = { retry: { attemptsMax: 100, delayMs: 1, delayMsMax: 5 }, stepWaitMs: 5 };
				let sink = stageTo(receiver.url, options);
				let worker = await sink.stage.open(0, new Map());
				let offset = 0;
				const restart = async () => {
					await sink.stage.close();
					sink = stageTo(receiver.url, options);
					worker = await sink.stage.open(0, new Map(store.cells));
				};
				for (const { size, crash } of steps) {
					const input = Array.from({ length: size }, (_, i) => record(offset + i, numbered(offset + i)));
					let result = await worker.step(input, false);
					if (crash === 'before') {
						// Nothing of the step is durable: the same input comes again.
						await restart();
						result = await worker.step(input, false);
					}
					store.commit(result);
					if (crash === 'after') await restart();
					offset += size;
				}
				const ids = () => new Set(receiver.received.map((r) => r.headers['webhook-id']));
				await until(() => ids().size === offset, 'all findings');
				await until(() => receiver.received.length > 40 || ids().size === offset, 'the end');
				assert.deepEqual(store.deadLetters, []);
				await sink.stage.close();
			},
		),
		{ numRuns: 15 },
	);
});

test('settle waits for messages that failed, tells how many are left when its time is over, and ends with a signal', async () => {
	await using receiver = await startReceiver((response, _request, count) =>
		response.writeHead(count <= 2 ? 503 : 204).end(),
	);
	await using sink = stageTo(receiver.url);
	const worker = await sink.stage.open(0, new Map());
	await worker.step(records(numbered(1)), false);
	assert.equal(receiver.received.length, 1);
	assert.equal(await sink.stage.settle(5000), 0);
	assert.equal(receiver.received.length, 3);
	assert.equal(new Set(receiver.received.map((r) => r.headers['webhook-id'])).size, 1);

	receiver.answer = status(503);
	await using slow = stageTo(receiver.url, { retry: { attemptsMax: 4, delayMs: 10_000, delayMsMax: 10_000 } });
	const held = await slow.stage.open(0, new Map());
	await held.step(records(numbered(2), numbered(3)), false);
	assert.equal(await slow.stage.settle(30), 2);
	assert.equal(await slow.stage.settle(60_000, AbortSignal.timeout(30)), 2);
});
