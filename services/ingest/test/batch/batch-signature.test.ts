import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import {
	chainStart,
	keyIdOf,
	signBatch,
	signedBatchBytesMax,
	signedText,
	verifySignedBatch,
} from '@affidavit/model/batch-signature.ts';
import { signedBatchCodec } from '@affidavit/model/codec.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import type { TraceBatch } from '@affidavit/model/generated/trace.ts';
import fc from 'fast-check';
import { testKey } from '../source/test-key.ts';

const key = testKey();
const batch: TraceBatch = {
	host: 'h',
	boot: 'b',
	source: 'file',
	...chainStart(),
	observedUs: 1,
	strings: [''],
	processes: [],
	events: [],
	losses: [],
	lossCounters: 'known',
	hooks: ['a'],
	endOfInput: false,
};
const resolve = (host: string, keyId: string): KeyObject | undefined =>
	host === 'h' && keyId === key.keyId ? key.publicKey : undefined;
const codeOf = (bytes: Uint8Array, by = resolve): string => {
	const result = verifySignedBatch(bytes, by);
	return result.kind === 'ok' ? 'ok' : result.code;
};

describe('a signed batch', () => {
	it('verifies, with the digest that the next batch must name', () => {
		const signed = signBatch(batch, key);
		const verified = verifySignedBatch(signed.bytes, resolve);
		assert.ok(verified.kind === 'ok');
		assert.equal(verified.batch.host, 'h');
		assert.deepEqual(Buffer.from(verified.payloadDigest), Buffer.from(signed.payloadDigest));
		assert.equal(
			sha256Hex(signedBatchCodec.decode(signed.bytes).payload),
			Buffer.from(signed.payloadDigest).toString('hex'),
		);
	});

	it('is deterministic', () => {
		assert.deepEqual(signBatch(batch, key), signBatch(batch, key));
	});

	it('fails with any byte changed, added or removed', () => {
		const { bytes } = signBatch(batch, key);
		fc.assert(
			fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
				const changed = Buffer.from(bytes);
				changed[at] = (changed[at] as number) ^ flip;
				assert.notEqual(codeOf(changed), 'ok');
				assert.notEqual(codeOf(bytes.subarray(0, at)), 'ok');
				assert.notEqual(codeOf(Buffer.concat([bytes, Buffer.from([flip])])), 'ok');
			}),
			{ numRuns: 300 },
		);
	});

	it('of any bytes gives an error and never throws', () => {
		const codes = new Set(['not-a-batch', 'unknown-key']);
		fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => assert.ok(codes.has(codeOf(bytes)))));
	});

	it('whose payload claims more than it holds is refused before anything is allocated, also with a good signature', () => {
		const payload = Buffer.from(signedBatchCodec.decode(signBatch({ ...batch, hooks: [] }, key).bytes).payload);
		// The count of the last array (hooks) stands before endOfInput.
		const huge = Buffer.concat([
			payload.subarray(0, -2),
			Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x1f]),
			payload.subarray(-1),
		]);
		const signature = sign(null, signedText(createHash('sha256').update(huge).digest()), key.privateKey);
		const bytes = signedBatchCodec.encode({ payload: huge, keyId: key.keyId, signature });
		assert.equal(codeOf(bytes), 'not-a-batch');
	});

	it('with a host name of any length is told apart', () => {
		for (const length of [0, 1, 63, 64, 200, 8191]) {
			const name = 'h'.repeat(length);
			const { bytes } = signBatch({ ...batch, host: name }, key);
			assert.equal(
				codeOf(bytes, (host) => (host === name ? key.publicKey : undefined)),
				'ok',
				String(length),
			);
		}
		assert.equal(
			codeOf(signBatch({ ...batch, host: 'h'.repeat(8192) }, key).bytes, () => key.publicKey),
			'not-a-batch',
		);
	});

	it('of another host, an unknown key, a key of another kind, or too large is refused', () => {
		const { bytes } = signBatch({ ...batch, host: 'other' }, key);
		assert.equal(codeOf(bytes), 'unknown-key');
		const good = signBatch(batch, key).bytes;
		assert.equal(
			codeOf(good, () => testKey().publicKey),
			'bad-signature',
		);
		assert.equal(
			codeOf(good, () => key.privateKey),
			'unknown-key',
		);
		assert.equal(
			codeOf(good, () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey),
			'unknown-key',
		);
		assert.equal(codeOf(new Uint8Array(signedBatchBytesMax + 1)), 'batch-too-large');
	});

	it('with a broken shape is no batch', () => {
		assert.equal(codeOf(signBatch({ ...batch, previous: Buffer.alloc(31) }, key).bytes), 'not-a-batch');
		assert.equal(codeOf(signBatch({ ...batch, strings: ['x'] }, key).bytes), 'not-a-batch');
		assert.equal(codeOf(signBatch({ ...batch, sequence: -1 }, key).bytes), 'not-a-batch');
	});

	it('names its key by the sha256 of the SPKI PEM text', () => {
		assert.equal(keyIdOf(key.publicKey), sha256Hex(key.publicKey.export({ type: 'spki', format: 'pem' })));
	});
});
