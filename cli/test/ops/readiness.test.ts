import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReadiness, type Probe } from '../../src/ops/readiness.ts';

const never = new Promise<void>(() => {});

test('ready when all are; each that is not says why', async () => {
	const fine: Probe = { name: 'kafka', check: async () => {} };
	const bad: Probe = { name: 'redis', check: async () => Promise.reject(new Error('connection refused')) };
	assert.deepEqual(await createReadiness([fine], { now: () => 0 })(), {
		ready: true,
		checks: [{ name: 'kafka', ok: true, message: '' }],
	});
	assert.deepEqual(await createReadiness([fine, bad], { now: () => 0 })(), {
		ready: false,
		checks: [
			{ name: 'kafka', ok: true, message: '' },
			{ name: 'redis', ok: false, message: 'connection refused' },
		],
	});
});

test('an answer is kept for a while, then asked for again', async () => {
	let now = 0;
	let asked = 0;
	const readiness = createReadiness([{ name: 'kafka', check: async () => void asked++ }], {
		now: () => now,
		freshMs: 1000,
	});
	await Promise.all([readiness(), readiness()]);
	now = 999;
	await readiness();
	assert.equal(asked, 1);
	now = 1000;
	await readiness();
	assert.equal(asked, 2);
});

test('a probe that hangs is not ready, and is not asked twice', async () => {
	let now = 0;
	let asked = 0;
	let answer = (): void => {};
	const check = (): Promise<void> => {
		asked++;
		return asked === 1 ? new Promise((resolve) => (answer = resolve)) : never;
	};
	const readiness = createReadiness([{ name: 'kafka', check }], { now: () => now, timeoutMs: 5, freshMs: 10 });
	assert.match((await readiness()).checks[0]?.message ?? '', /no answer within 5 ms/);
	now = 100;
	assert.equal((await readiness()).ready, false);
	assert.equal(asked, 1);
	answer();
	await new Promise((resolve) => setImmediate(resolve));
	assert.equal((await readiness()).ready, true, 'what it said at last counts');
});
