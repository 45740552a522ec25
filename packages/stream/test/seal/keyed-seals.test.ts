import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { partitionOf } from '../../src/partition.ts';
import type { LogRecord, Origin, OutRecord, Seal } from '../../src/ports.ts';
import { createKeyedSeals, type Sealer } from '../../src/seal/keyed-seals.ts';
import { refusalOf } from '../../src/seal/refusal.ts';
import { leafHash, sealGroupMax } from '../../src/seal/sealed-bytes.ts';

type Output = OutRecord & { origin: Origin };

const pair = (keyId: string) => {
	const { privateKey } = generateKeyPairSync('ed25519');
	return { privateKey, publicKey: createPublicKey(privateKey), keyId };
};
const correlate = pair('correlate-key');
const detect = pair('detect-key');
const sealers = new Map<string, Sealer>([
	[
		'correlate-key',
		{ publicKey: correlate.publicKey, writes: (topic, stage) => topic === 'session' && stage === 'correlate' },
	],
	['detect-key', { publicKey: detect.publicKey, writes: (topic, stage) => topic === 'verdict' && stage === 'detect' }],
]);
const reader = () => createKeyedSeals({ own: null, resolve: (id) => sealers.get(id) });
const writer = (own: typeof correlate) => createKeyedSeals({ own, resolve: () => undefined });

const output = (n = 0, over: Partial<Output> = {}): Output => ({
	topic: 'session',
	key: `key ${n}`,
	value: Buffer.from(`value ${n}`),
	origin: { stage: 'correlate', partition: 1, offset: n, index: 2 },
	...over,
});
const inLog = (record: Output, seal: Seal | null, over: Partial<LogRecord> = {}): LogRecord => ({
	...record,
	partition: 0,
	offset: 9,
	timestampUs: 5,
	seal,
	traceparent: null,
	...over,
});
const code = (record: LogRecord): string => reader().check(record)?.code ?? 'ok';

describe('seals', () => {
	it('let pass what its origin wrote, one by one and in groups of any size', () => {
		assert.equal(code(inLog(output(), writer(correlate).seal(output()))), 'ok');
		for (const size of [1, 2, 3, 5, 31, sealGroupMax, sealGroupMax + 1, 3 * sealGroupMax - 1]) {
			const records = Array.from({ length: size }, (_, n) => output(n));
			const seals = writer(correlate).sealAll(records);
			assert.equal(seals.length, size);
			for (const [n, record] of records.entries())
				assert.equal(code(inLog(record, seals[n] as Seal)), 'ok', `${n} of ${size}`);
			// One's seal is no other's, though the signature is the same.
			for (const [n, record] of records.entries())
				if (size > 1) assert.equal(code(inLog(record, seals[(n + 1) % size] as Seal)), 'bad-seal');
		}
	});

	it('are the same for the same record', () => {
		const seals = writer(correlate);
		assert.deepEqual(seals.seal(output(3)), seals.seal(output(3)));
	});

	it('refuse a record of which anything was changed', () => {
		const seal = writer(correlate).seal(output());
		const { origin } = output();
		const changed: [string, LogRecord][] = [
			['key', inLog(output(0, { key: 'key 0 ' }), seal)],
			['value', inLog(output(0, { value: Buffer.from('value 1') }), seal)],
			['offset', inLog(output(0, { origin: { ...origin, offset: 1 } }), seal)],
			['index', inLog(output(0, { origin: { ...origin, index: 3 } }), seal)],
			['partition', inLog(output(0, { origin: { ...origin, partition: 2 } }), seal)],
		];
		for (const [what, record] of changed) assert.equal(code(record), 'bad-seal', what);
	});

	it('refuse a key that is unknown, another service’s, or none', () => {
		const theirs = writer(detect).seal(output());
		assert.equal(code(inLog(output(), theirs)), 'wrong-sealer');
		assert.equal(code(inLog(output(), { ...theirs, keyId: 'stranger' })), 'unknown-sealer');
		assert.equal(code(inLog(output(), { ...theirs, keyId: 'correlate-key' })), 'bad-seal');
		assert.equal(code(inLog(output(), null)), 'unsealed');
		assert.equal(code(inLog(output(), theirs, { origin: null })), 'unsealed');
		const asDetect = output(0, { origin: { ...output().origin, stage: 'detect' } });
		assert.equal(code(inLog(asDetect, writer(correlate).seal(asDetect))), 'wrong-sealer');
		const verdict = output(0, { topic: 'verdict' });
		assert.equal(code(inLog(verdict, writer(correlate).seal(verdict))), 'wrong-sealer');
	});

	it('ask again for every record whether its key is trusted', () => {
		let trusted = true;
		const seals = createKeyedSeals({ own: correlate, resolve: (id) => (trusted ? sealers.get(id) : undefined) });
		const record = inLog(output(), seals.seal(output()));
		assert.equal(seals.check(record), null);
		trusted = false;
		assert.equal(seals.check(record)?.code, 'unknown-sealer');
	});

	it('leave trace to the signatures of hosts', () => {
		assert.equal(code(inLog(output(0, { topic: 'trace' }), null)), 'ok');
	});

	it('take any bytes for a signature without throwing', () => {
		const good = writer(correlate).sealAll([output(0), output(1), output(2)])[1] as Seal;
		fc.assert(
			fc.property(
				fc.oneof(
					fc.uint8Array({ maxLength: 400 }),
					fc.nat({ max: good.signature.byteLength - 1 }).map((at) => {
						const bent = Uint8Array.from(good.signature);
						bent[at] = (bent[at] as number) ^ 1;
						return bent;
					}),
					fc.nat({ max: good.signature.byteLength - 1 }).map((to) => good.signature.subarray(0, to)),
				),
				(signature) => code(inLog(output(1), { keyId: good.keyId, signature })) === 'bad-seal',
			),
		);
	});

	it('sign no two records as one', () => {
		const seen = new Map<string, string>();
		fc.assert(
			fc.property(
				fc.string(),
				fc.string(),
				fc.nat({ max: 3 }),
				fc.nat({ max: 3 }),
				fc.uint8Array({ maxLength: 3 }),
				(key, stage, partition, offset, value) => {
					const record = output(0, { key, value, origin: { stage, partition, offset, index: 0 } });
					const text = JSON.stringify([key, stage, partition, offset, [...value]]);
					const hash = leafHash(record).toString('hex');
					assert.equal(seen.get(hash) ?? text, text);
					seen.set(hash, text);
				},
			),
		);
	});

	it('refuse a true record that was copied into another partition', () => {
		const log = { partitions: () => 4 };
		const at = partitionOf(output().key, 4);
		const seal = writer(correlate).seal(output());
		assert.equal(refusalOf(log, reader(), inLog(output(), seal, { partition: at })), null);
		assert.equal(refusalOf(log, reader(), inLog(output(), seal, { partition: (at + 1) % 4 }))?.code, 'misplaced');
		assert.equal(refusalOf(log, undefined, inLog(output(), null, { partition: (at + 1) % 4 })), null);
	});

	it('want an ed25519 key, and one at all to seal with', () => {
		const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
		assert.throws(() => createKeyedSeals({ own: { privateKey, keyId: 'k' }, resolve: () => undefined }), /ed25519/);
		assert.throws(() => reader().seal(output()), /no key/);
	});
});
