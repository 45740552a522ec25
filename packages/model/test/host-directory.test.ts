import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { chainStart, keyIdOf, signBatch, verifySignedBatch } from '../src/batch-signature.ts';
import { hostKeysCodec } from '../src/codec.ts';
import type { EnrolledKey } from '../src/generated/host.ts';
import { createHostDirectory, type HostDirectory } from '../src/host-directory.ts';

interface Pair {
	privateKey: KeyObject;
	publicKey: KeyObject;
	keyId: string;
}
function pair(): Pair {
	const { privateKey, publicKey } = generateKeyPairSync('ed25519');
	return { privateKey, publicKey, keyId: keyIdOf(publicKey) };
}
const pemOf = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();
const enrolled = (key: Pair, more: Partial<EnrolledKey> = {}): EnrolledKey => ({
	keyId: key.keyId,
	publicKeyPem: pemOf(key.publicKey),
	validFromUs: 100,
	validToUs: -1,
	revokedUs: -1,
	revokedReason: '',
	enrolledBy: 'ops',
	...more,
});
const record = (host: string, ...keys: EnrolledKey[]) => ({ key: host, value: hostKeysCodec.encode({ host, keys }) });
const directoryOf = (...records: { key: string; value: Uint8Array }[]): HostDirectory => {
	const directory = createHostDirectory();
	for (const r of records) assert.equal(directory.take(r).kind, 'enrolled');
	return directory;
};
const [a, b, next] = [pair(), pair(), pair()];

describe('a directory of hosts', () => {
	it('tells a key that is nobody’s from one that is another host’s', () => {
		const directory = directoryOf(record('alpha', enrolled(a)), record('beta', enrolled(b)));
		assert.equal(directory.resolve('alpha', a.keyId, 100).kind, 'ok');
		assert.equal(directory.resolve('alpha', 'f'.repeat(64), 100).kind, 'unknown');
		const answer = directory.resolve('alpha', b.keyId, 100);
		assert.ok(answer.kind === 'wrong-host');
		assert.equal(answer.owner, 'beta');
		assert.deepEqual([...directory.hosts()], ['alpha', 'beta']);
	});

	it('counts a key from validFromUs on, until validToUs, and not from revokedUs on', () => {
		const kindAt = (key: Partial<EnrolledKey>, atUs: number): string =>
			directoryOf(record('alpha', enrolled(a, key))).resolve('alpha', a.keyId, atUs).kind;
		const cases: [Partial<EnrolledKey>, number, string][] = [
			[{}, 99, 'not-yet-valid'],
			[{}, 100, 'ok'],
			[{ validToUs: 200 }, 199, 'ok'],
			[{ validToUs: 200 }, 200, 'expired'],
			[{ revokedUs: 150 }, 149, 'ok'],
			[{ revokedUs: 150 }, 150, 'revoked'],
			[{ revokedUs: 0 }, 120, 'revoked'],
			[{ revokedUs: 150, validToUs: 140 }, 160, 'revoked'],
			[{ validToUs: 200 }, -1, 'ok'],
			[{ revokedUs: 150 }, -1, 'revoked'],
		];
		for (const [key, atUs, kind] of cases) assert.equal(kindAt(key, atUs), kind, `${JSON.stringify(key)} at ${atUs}`);
	});

	it('keeps several keys of a host apart while one is rotated', () => {
		const directory = directoryOf(
			record('alpha', enrolled(a)),
			record('alpha', enrolled(a, { validToUs: 300 }), enrolled(next, { validFromUs: 200 })),
		);
		assert.deepEqual(
			[150, 250, 350].map((at) => [a, next].map((k) => directory.resolve('alpha', k.keyId, at).kind)),
			[
				['ok', 'not-yet-valid'],
				['ok', 'ok'],
				['expired', 'ok'],
			],
		);
	});

	it('forgets what a newer record leaves out, and all of it at a tombstone', () => {
		const directory = directoryOf(record('alpha', enrolled(a)), record('alpha', enrolled(next)));
		assert.equal(directory.resolve('alpha', a.keyId, 100).kind, 'unknown');
		assert.deepEqual(directory.take({ key: 'alpha', value: new Uint8Array(0) }), { kind: 'removed', host: 'alpha' });
		assert.equal(directory.resolve('alpha', next.keyId, 100).kind, 'unknown');
		assert.deepEqual([...directory.hosts()], []);
	});

	it('lets two hosts share a key, each of its own right', () => {
		const directory = directoryOf(record('alpha', enrolled(a)), record('beta', enrolled(a, { revokedUs: 0 })));
		assert.equal(directory.resolve('alpha', a.keyId, 100).kind, 'ok');
		assert.equal(directory.resolve('beta', a.keyId, 100).kind, 'revoked');
	});

	it('refuses a record that does not count, says which field, and keeps what it knew', () => {
		const directory = createHostDirectory({ hosts: 1, keysPerHost: 2 });
		assert.equal(directory.take(record('alpha', enrolled(a))).kind, 'enrolled');
		const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
		const good = record('alpha', enrolled(b));
		const refusals: [{ key: string; value: Uint8Array }, RegExp][] = [
			[{ key: 'alpha', value: Buffer.from('garbage') }, /^frame: /],
			[{ key: 'alpha', value: good.value.subarray(0, -1) }, /^value: expected a host/],
			[{ key: 'other', value: good.value }, /^host: expected the name/],
			[{ key: '', value: hostKeysCodec.encode({ host: '', keys: [] }) }, /^key: /],
			[record('h'.repeat(254)), /^key: /],
			[record('beta', enrolled(b)), /^hosts: expected at most 1$/],
			[record('alpha', enrolled(a), enrolled(b), enrolled(next)), /^keys: 3: expected at most 2/],
			[record('alpha', enrolled(a), enrolled(a)), /^keys\.1\.keyId: expected each key once/],
			[record('alpha', enrolled(b, { keyId: a.keyId })), /^keys\.0\.keyId: /],
			[record('alpha', enrolled(b, { publicKeyPem: 'x'.repeat(2000) })), /^keys\.0\.publicKeyPem: 2000 characters/],
			[record('alpha', enrolled(b, { publicKeyPem: 'no key' })), /^keys\.0\.publicKeyPem: expected an SPKI/],
			[record('alpha', enrolled(b, { publicKeyPem: pemOf(ec.publicKey) })), /expected an ed25519 key/],
			[
				record(
					'alpha',
					enrolled(b, { publicKeyPem: b.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }),
				),
				/not a private one/,
			],
			[record('alpha', enrolled(b, { validFromUs: -1 })), /validFromUs/],
			[record('alpha', enrolled(b, { validToUs: 99 })), /validToUs/],
			[record('alpha', enrolled(b, { revokedUs: -2 })), /revokedUs/],
		];
		for (const [refused, message] of refusals) {
			const taken = directory.take(refused);
			assert.ok(taken.kind === 'refused', message.source);
			assert.match(taken.message, message);
		}
		assert.equal(directory.resolve('alpha', a.keyId, 100).kind, 'ok');
		assert.equal(directory.resolve('alpha', b.keyId, 100).kind, 'unknown');
	});

	it('never throws, whatever the bytes', () => {
		const directory = createHostDirectory();
		const frame = hostKeysCodec.encode({ host: 'h', keys: [] }).subarray(0, 5);
		const property = fc.property(fc.string(), fc.uint8Array({ maxLength: 300 }), fc.boolean(), (key, body, framed) => {
			directory.take({ key, value: framed ? Buffer.concat([frame, body]) : body });
		});
		fc.assert(property, { numRuns: 300 });
	});

	it('keeps hosts of any name apart, also those of Object’s own properties', () => {
		const directory = directoryOf(record('__proto__', enrolled(a)));
		assert.equal(directory.resolve('__proto__', a.keyId, 100).kind, 'ok');
		assert.equal(directory.resolve('constructor', '__proto__', 100).kind, 'unknown');
	});
});

describe('a signed batch, judged by the directory', () => {
	const batchOf = (host: string) => ({
		host,
		boot: 'b',
		source: 'file' as const,
		...chainStart(),
		observedUs: 1,
		strings: [''],
		processes: [],
		events: [],
		losses: [],
		lossCounters: 'known' as const,
		hooks: [],
		endOfInput: false,
	});
	const directory = directoryOf(
		record('alpha', enrolled(a, { validToUs: 200 }), enrolled(next, { revokedUs: 150, revokedReason: 'stolen' })),
		record('beta', enrolled(b)),
	);
	const verdict = (host: string, key: Pair, atUs: number, named = key): [string, string, string] => {
		const { bytes } = signBatch(batchOf(host), { privateKey: key.privateKey, keyId: named.keyId });
		const result = verifySignedBatch(bytes, directory.resolve, atUs);
		return result.kind === 'ok' ? ['ok', result.batch.host, ''] : [result.code, result.host, result.message];
	};

	it('is refused for the reason that is proven', () => {
		assert.deepEqual(verdict('alpha', a, 150), ['ok', 'alpha', '']);
		assert.deepEqual(verdict('alpha', a, 200).slice(0, 2), ['expired-key', 'alpha']);
		assert.deepEqual(verdict('alpha', a, 99).slice(0, 2), ['expired-key', 'alpha']);
		const [code, host, message] = verdict('alpha', b, 150);
		assert.deepEqual([code, host], ['wrong-host', 'alpha']);
		assert.match(message, /is host "beta"'s, not host "alpha"'s/);
		assert.match(verdict('alpha', next, 150)[2], /revoked since 150 µs: "stolen"/);
		assert.equal(verdict('alpha', next, 149)[0], 'ok');
		assert.equal(verdict('alpha', pair(), 150)[0], 'unknown-key');
	});

	it('accuses nobody whose key did not sign it', () => {
		const stranger = pair();
		assert.equal(verdict('alpha', stranger, 150, b)[0], 'bad-signature');
		assert.equal(verdict('alpha', stranger, 150, next)[0], 'bad-signature');
		assert.equal(verdict('alpha', stranger, 250, a)[0], 'bad-signature');
	});

	it('names its host in at most 253 characters', () => {
		assert.equal(verdict('h'.repeat(5000), pair(), 1)[1].length, 253);
	});
});
