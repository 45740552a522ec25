import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { batchRecordsMax, guardRecords } from '../../src/kafka/record-guard.ts';
import { decodeText, encodeText } from '../../src/kafka/text.ts';
import { decodeOrigin, decodeSeal, encodeOrigin, encodeSeal } from '../../src/kafka/wire.ts';

const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) });
const natural = fc.maxSafeNat();

describe('text', () => {
	it('comes back as it went in, lone surrogates included, and as UTF-8 wherever there is one', () => {
		fc.assert(
			fc.property(anyText, (text) => {
				const bytes = encodeText(text);
				assert.equal(decodeText(bytes), text);
				if (text.isWellFormed()) assert.deepEqual(bytes, Buffer.from(text));
			}),
		);
	});
	it('takes any bytes', () => {
		fc.assert(fc.property(fc.uint8Array(), (bytes) => typeof decodeText(bytes) === 'string'));
	});
});

describe('headers', () => {
	it('give an origin and a seal back', () => {
		fc.assert(
			fc.property(anyText, natural, natural, natural, (stage, partition, offset, index) => {
				const origin = { stage, partition, offset, index };
				assert.deepEqual(decodeOrigin(encodeOrigin(origin)), origin);
			}),
		);
		const seal = { keyId: 'ab'.repeat(32), signature: new Uint8Array([1, 2, 3]) };
		assert.deepEqual(decodeSeal(encodeSeal(seal)), seal);
		assert.throws(() => encodeSeal({ ...seal, keyId: 'ab' }), RangeError);
	});
	it('are none when they are not exactly ours', () => {
		for (const text of [
			'',
			'1 2 3',
			'01 2 3 s',
			'1 2 3.0 s',
			'1e3 2 3 s',
			' 1 2 3 s',
			'-0 1 2 s',
			'9007199254740992 1 2 s',
		])
			assert.equal(decodeOrigin(Buffer.from(text)), null, text);
		assert.equal(decodeOrigin(Buffer.alloc(1 << 20, 0x20)), null);
		assert.equal(decodeSeal(Buffer.alloc(32)), null);
		assert.equal(decodeSeal(Buffer.alloc(5_000)), null);
		fc.assert(fc.property(fc.uint8Array(), (bytes) => decodeOrigin(bytes) === null || bytes.length > 0));
	});
});

/** As Kafka lays a record out; `headers` of one byte each. */
function recordBytes(value: Buffer, headers: number): Buffer {
	const varint = (n: number): Buffer => {
		const bytes: number[] = [];
		let rest = n * 2;
		for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
		return Buffer.from([...bytes, rest]);
	};
	const header = Buffer.concat([varint(1), Buffer.from('h'), varint(0)]);
	const head = [Buffer.from([0, 0, 0, 1]), varint(value.length), value, varint(headers)];
	const body = Buffer.concat([...head, ...Array.from({ length: headers }, () => header)]);
	return Buffer.concat([varint(body.length), body]);
}

describe('the guard of a batch', () => {
	it('leaves a sound one alone, and takes the headers of a record that has too many', () => {
		const sound = Buffer.concat([recordBytes(Buffer.from('a'), 3), recordBytes(Buffer.from('b'), 64)]);
		assert.equal(guardRecords(sound), sound);
		const mixed = Buffer.concat([sound, recordBytes(Buffer.from('c'), 65), sound]);
		assert.deepEqual(guardRecords(mixed), Buffer.concat([sound, recordBytes(Buffer.from('c'), 0), sound]));
	});
	it('refuses what is cut, lies about its lengths or has too many records, and reads nothing outside', () => {
		const sound = recordBytes(Buffer.from('value'), 2);
		for (let cut = 1; cut < sound.length; cut++)
			assert.throws(() => guardRecords(sound.subarray(0, cut)), { code: 'refused' }, `cut at ${cut}`);
		const one = recordBytes(Buffer.alloc(0), 0);
		assert.throws(() => guardRecords(Buffer.concat(Array.from({ length: batchRecordsMax + 1 }, () => one))), {
			code: 'refused',
		});
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
				try {
					guardRecords(Buffer.from(bytes));
				} catch (error) {
					assert.equal((error as { code: string }).code, 'refused');
				}
			}),
		);
	});
});
