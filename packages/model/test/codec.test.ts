// Frames: what every record begins with, and what a reader makes of older, foreign and damaged ones.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import avsc from 'avsc';
import fc from 'fast-check';
import {
	attestationCodec,
	type Codec,
	deadLetterCodec,
	factBatchCodec,
	findingCodec,
	hostKeysCodec,
	signedBatchCodec,
	traceBatchCodec,
	verdictCodec,
} from '../src/codec.ts';
import { foreignId, frameBytes, frameIdOf, writeFrame } from '../src/frame.ts';
import type { TraceBatch } from '../src/generated/trace.ts';
import {
	currentSchema,
	frozenSchema,
	type SchemaVersion,
	type Subject,
	schemaName,
	schemaVersions,
	versionsOf,
} from '../src/schema-history.ts';
import { avroValues } from './support/avro-values.ts';

const codecs: Partial<Record<Subject, Codec<never>>> = {
	attestation: attestationCodec,
	deadletter: deadLetterCodec,
	finding: findingCodec,
	host: hostKeysCodec,
	session: factBatchCodec,
	'signed-batch': signedBatchCodec,
	trace: traceBatchCodec,
	verdict: verdictCodec,
} as Partial<Record<Subject, Codec<never>>>;

/** Objects as literals write them. */
const plain = (value: unknown): unknown => {
	if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
	if (Array.isArray(value)) return value.map(plain);
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
};

/** What a program of that version wrote. */
function writerOf(version: SchemaVersion): (value: unknown) => Buffer {
	const type = avsc.Type.forSchema(frozenSchema(version) as avsc.Schema);
	return (value) => {
		const bytes = Buffer.concat([Buffer.alloc(frameBytes), type.toBuffer(value)]);
		bytes.writeInt32BE(version.id, 1);
		return bytes;
	};
}

/** Fields that a later version added, as today's reader shows them. */
const added: Record<string, Record<string, unknown>> = {
	'deadletter version 1': { subject: '' },
	'verdict version 1': { factsPartition: -1, factsOffset: -1 },
};

describe('a codec', () => {
	for (const version of schemaVersions) {
		const codec = codecs[version.subject];
		if (codec === undefined) continue;
		it(`reads what ${schemaName(version)} wrote, with the defaults of what came later`, () => {
			const write = writerOf(version);
			const property = fc.property(avroValues(frozenSchema(version)), (value) => {
				const bytes = write(value);
				assert.equal(codec.holds(bytes), true);
				assert.deepEqual(plain(codec.decode(bytes)), { ...(plain(value) as object), ...added[schemaName(version)] });
			});
			fc.assert(property, { numRuns: 60 });
		});
	}

	for (const [subject, codec] of Object.entries(codecs)) {
		const current = versionsOf(subject as Subject).at(-1) as SchemaVersion;
		it(`of ${subject} writes the frame of the version in force, and the same bytes as any Avro library after it`, () => {
			const write = writerOf(current);
			const property = fc.property(avroValues(frozenSchema(current)), (value) => {
				const bytes = codec.encode(value as never);
				assert.equal(frameIdOf(bytes), current.id);
				assert.equal(Buffer.compare(bytes, write(value)), 0);
			});
			fc.assert(property, { numRuns: 60 });
		});
	}

	it('encodes records of any size, one after the other, into memory of their own', () => {
		const value = { payload: Buffer.alloc(0), keyId: 'k', signature: Buffer.alloc(0) };
		const first = signedBatchCodec.encode({ ...value, keyId: 'first' });
		for (const size of [1, 100_000, 70_000, 9_000_000, 10]) {
			const payload = Buffer.alloc(size, size % 251);
			const bytes = signedBatchCodec.encode({ ...value, payload });
			assert.equal(bytes.buffer.byteLength, bytes.byteLength);
			assert.equal(Buffer.compare(signedBatchCodec.decode(bytes).payload, payload), 0);
		}
		assert.equal(signedBatchCodec.decode(first).keyId, 'first');
	});
});

it('encodes what no kept buffer holds, field by field as the library does', () => {
	const written = avsc.Type.forSchema(currentSchema('trace') as avsc.Schema);
	const losses = Array.from({ length: 60_000 }, (_, i) => ({
		counter: `c${i}`,
		count: i ** 2,
		fromUs: -i,
		toUs: 2 ** 50 + i,
	}));
	const strings = Array.from({ length: 60_000 }, (_, i) => '\u00fc'.repeat(i % 100));
	const batch: TraceBatch = {
		host: 'h',
		boot: 'b',
		source: 'file',
		sequence: 1,
		previous: Buffer.alloc(32, 7),
		observedUs: 1,
		strings,
		processes: [],
		events: [],
		losses,
		lossCounters: 'known',
		hooks: [],
		endOfInput: true,
	};
	for (let i = 0; i < 2; i++) {
		const bytes = traceBatchCodec.encode(batch);
		assert.ok(bytes.length > 4 * 1024 * 1024);
		assert.equal(Buffer.compare(bytes.subarray(frameBytes), written.toBuffer(batch)), 0);
	}
});

describe('a codec refuses, by name,', () => {
	const bytes = Buffer.from(
		signedBatchCodec.encode({ payload: Buffer.from('p'), keyId: 'k', signature: Buffer.from('s') }),
	);
	const framed = (id: number): Buffer => {
		const changed = Buffer.from(bytes);
		writeFrame(changed, id);
		return changed;
	};
	const cases: [string, Uint8Array, RegExp][] = [
		[
			'what has no frame',
			Buffer.concat([Buffer.from([1]), bytes.subarray(1)]),
			/^frame: expected a zero byte and the id/,
		],
		['what is shorter than a frame', bytes.subarray(0, 4), /^frame: expected a zero byte/],
		['nothing', new Uint8Array(0), /^frame: expected a zero byte/],
		['an unknown id', framed(2_000_000), /schema 2000000 is unknown to this program: expected one of signed-batch/],
		['id 0', framed(0), /schema 0 is unknown/],
		["another subject's", framed(3), /schema 3 is finding version 1: expected one of signed-batch/],
		["a registry's id that is none of ours", framed(foreignId(4711)), /schema 4711 of the registry is none of/],
		['a record that is cut', bytes.subarray(0, -1), /expected a signed-batch: it is cut/],
		['a record with something after it', Buffer.concat([bytes, Buffer.from([0])]), /something follows it/],
	];
	for (const [what, value, message] of cases)
		it(what, () => {
			assert.throws(() => signedBatchCodec.decode(value), { message });
			assert.equal(signedBatchCodec.holds(value), false);
		});

	it('a count that the bytes do not hold, before anything is allocated, where anyone may have written them', () => {
		const huge = Buffer.concat([
			Buffer.from(hostKeysCodec.encode({ host: 'h', keys: [] })).subarray(0, -1),
			Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x1f, 0]),
		]);
		assert.equal(hostKeysCodec.holds(huge), false);
		assert.throws(() => hostKeysCodec.decode(huge), { message: 'value: expected a host' });
	});
});

it('a frame holds any 32-bit id', () => {
	const property = fc.property(fc.integer(), (id) => {
		const bytes = new Uint8Array(frameBytes);
		writeFrame(bytes, id);
		assert.equal(frameIdOf(bytes), id);
		assert.equal(Buffer.from(bytes).readInt32BE(1), id);
	});
	fc.assert(property);
});
