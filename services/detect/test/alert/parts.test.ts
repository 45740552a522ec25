// The pure parts: message, retry times, addresses, secrets.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressCheck, guardedLookup, isPrivateAddress } from '../../src/alert/connect-guard.ts';
import { decodeDelivery, deliveryCell, encodeDelivery } from '../../src/alert/delivery-cell.ts';
import { alertMessage } from '../../src/alert/message.ts';
import { defaultRetryPolicy, retryAfterMs, retryDelayMs } from '../../src/alert/retry.ts';
import { checkSecret, loadSecret } from '../../src/alert/secret.ts';
import { finding, secret } from './receiver.ts';

test('a webhook-id is the finding, its state and its revision', () => {
	const first = alertMessage(finding());
	assert.equal(alertMessage(finding()).id, first.id);
	assert.match(first.id, /^fnd_f{64}_confirmed_[0-9a-f]{16}$/);
	assert.ok(!first.id.includes('.'));
	assert.notEqual(alertMessage(finding({ state: 'lead' })).id, first.id);
	assert.notEqual(alertMessage(finding({ count: 2 })).id, first.id);
});

test('a huge finding is shortened, and says so; a mad time does not throw', () => {
	const long = 'x'.repeat(1_000_000);
	const evidence = Array.from({ length: 5000 }, () => ({ ...finding().evidence[0], what: long.slice(0, 1000) }));
	const { body } = alertMessage(finding({ evidence: evidence as never, explanation: long, path: long }));
	assert.ok(Buffer.byteLength(body) < 256 * 1024);
	assert.equal(JSON.parse(body).shortened, true);
	assert.equal(JSON.parse(alertMessage(finding({ lastUs: 9e15 * 1000 })).body).timestamp, new Date(0).toISOString());
});

test('delays double, are jittered and bounded, and honour Retry-After', () => {
	const policy = { attemptsMax: 9, delayMs: 100, delayMsMax: 5000 };
	assert.equal(retryDelayMs(policy, 1, null, 0), 50);
	assert.equal(retryDelayMs(policy, 3, null, 0), 200);
	assert.equal(retryDelayMs(policy, 1, 3000, 0.5), 3000);
	assert.equal(retryDelayMs(policy, 1, 3_600_000, 0.5), 5000);
	fc.assert(
		fc.property(fc.integer({ min: 1, max: 2000 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (n, random) => {
			const delay = retryDelayMs(defaultRetryPolicy, n, null, random);
			assert.ok(delay >= 500 && delay <= defaultRetryPolicy.delayMsMax);
		}),
	);
	const now = Date.parse('2026-11-23T06:00:00Z');
	assert.equal(retryAfterMs('120', now), 120_000);
	assert.equal(retryAfterMs('Mon, 23 Nov 2026 06:01:00 GMT', now), 60_000);
	assert.equal(retryAfterMs('Sun, 22 Nov 2026 06:01:00 GMT', now), 0);
	for (const bad of [undefined, '', '-1', '1.5', 'soon', '1e9', 'x'.repeat(1000)])
		assert.equal(retryAfterMs(bad, now), null);
});

test('addresses: private in every spelling, public through', () => {
	const privates = [
		'127.0.0.1',
		'10.1.2.3',
		'172.31.255.255',
		'192.168.0.1',
		'169.254.169.254',
		'100.64.0.1',
		'0.0.0.0',
		'255.255.255.255',
		'224.0.0.1',
		'::',
		'::1',
		'::ffff:127.0.0.1',
		'::ffff:a9fe:a9fe',
		'fe80::1',
		'fd00::1',
		'ff02::1',
		'64:ff9b::7f00:1',
		'2002:7f00:1::',
		'not an address',
	];
	for (const address of privates) assert.equal(isPrivateAddress(address), true, address);
	for (const address of ['8.8.8.8', '172.32.0.1', '2606:4700::1111', '::ffff:8.8.8.8'])
		assert.equal(isPrivateAddress(address), false, address);
	const check = addressCheck(['10.0.0.0/8', 'fd00::/8', '192.168.7.7']);
	for (const yes of ['10.9.9.9', 'fd00::5', '192.168.7.7', '8.8.8.8']) assert.equal(check(yes), true, yes);
	for (const no of ['127.0.0.1', '192.168.7.8', '::1', 'name']) assert.equal(check(no), false, no);
	for (const bad of ['localhost', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0.0/', '::/129', ''])
		assert.throws(() => addressCheck([bad]), RangeError, bad);
});

test('one private answer among public ones refuses the name', async () => {
	const answering = (addresses: { address: string; family: number }[]) =>
		((_name: string, _options: unknown, done: (e: null, a: typeof addresses) => void) =>
			done(null, addresses)) as never;
	const ask = (addresses: { address: string; family: number }[], all: boolean) =>
		new Promise((resolve) =>
			guardedLookup(addressCheck(false), answering(addresses))('x.example', { all }, (error, address) =>
				resolve(error ? error.name : address),
			),
		);
	const good = { address: '8.8.8.8', family: 4 };
	assert.equal(await ask([good], false), '8.8.8.8');
	assert.deepEqual(await ask([good], true), [good]);
	assert.equal(await ask([good, { address: '169.254.169.254', family: 4 }], true), 'AddressRefused');
	assert.equal(await ask([], true), 'AddressRefused');
});

test('secrets come from file or environment, and are in no message', async () => {
	assert.equal(checkSecret(`${secret}\n`, 'x').kind, 'secret');
	for (const bad of ['', 'whsec_', 'whsec_c2hvcnQ=', 'hunter2!!', `whsec_${'A'.repeat(200)}`]) {
		const result = checkSecret(bad, 'the origin');
		assert.equal(result.kind, 'invalid');
		if (result.kind === 'invalid') {
			assert.match(result.message, /^the origin: expected whsec_ and 24 to 64 bytes/);
			assert.ok(bad.length < 8 || !result.message.includes(bad));
		}
	}
	const dir = mkdtempSync(join(tmpdir(), 'affidavit-secret-'));
	try {
		writeFileSync(join(dir, 's'), `${secret}\n`);
		assert.deepEqual(await loadSecret({ file: join(dir, 's') }, {}), { kind: 'secret', secret });
		assert.deepEqual(await loadSecret({ env: 'HOOK' }, { HOOK: secret }), { kind: 'secret', secret });
		assert.equal((await loadSecret({ env: 'HOOK' }, {})).kind, 'invalid');
		assert.equal((await loadSecret({ file: join(dir, 'none') }, {})).kind, 'invalid');
		assert.equal((await loadSecret({}, {})).kind, 'invalid');
	} finally {
		rmSync(dir, { recursive: true });
	}
});

test('a delivery survives its cell; what is none is refused', () => {
	const delivery = {
		id: 'fnd_1',
		body: '{"a":"ü"}',
		offset: 3,
		timeUs: 5,
		attempts: 2,
		nextMs: 17.5,
		dead: '',
		failure: 'status 503',
	} as const;
	assert.deepEqual(decodeDelivery(deliveryCell('fnd_1'), encodeDelivery(delivery)), delivery);
	assert.throws(
		() => decodeDelivery(deliveryCell('other'), encodeDelivery(delivery)),
		/store-corrupt|expected a delivery/,
	);
	for (const bad of ['', '{', 'null', '[]', '{"id":1}'])
		assert.throws(() => decodeDelivery('delivery/x', Buffer.from(bad)));
});
