// The writer of fact batches against the general codec: the same bytes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { factBatchCodec } from '../src/codec.ts';
import { writeFactBatch } from '../src/fact-writer.ts';
import { decodeFactBatch, type Facts, type FileFact } from '../src/facts.ts';

const text = fc.oneof(
	fc.string({ unit: 'binary', maxLength: 80 }),
	fc.constantFrom('', 'é'.repeat(40), 'a\ud800b', 'x'.repeat(63), 'x'.repeat(64), `${'x'.repeat(62)}é`),
	fc.string({ minLength: 60, maxLength: 200 }),
);
const long = fc.oneof(
	fc.integer(),
	fc.integer({ min: -(2 ** 51), max: 2 ** 51 }),
	fc.constantFrom(
		-1,
		0,
		2 ** 30,
		2 ** 30 - 1,
		-(2 ** 30),
		-(2 ** 30) - 1,
		2 ** 35,
		2 ** 52,

		2 ** 51,
	),
);
const int = fc.integer();
const file: fc.Arbitrary<FileFact> = fc.record({
	op: fc.constantFrom('read', 'write', 'open_write', 'truncate', 'execute', 'map', 'rename', 'remove', 'link'),
	execId: text,
	foreign: fc.boolean(),
	path: text,
	path2: text,
	dev: long,
	ino: text,
	version: int,
	size: long,
	flags: long,
	digest: text,
	assurance: fc.constantFrom('kernel', 'watched', 'ptrace', 'agent', 'declared', 'none'),
	otherSize: long,
	heldBy: text,
	writer: text,
	writerForeign: fc.boolean(),
	firstUs: long,
	lastUs: long,
	count: long,
	copies: long,
});
const environment = fc
	.array(fc.tuple(text, text), { maxLength: 4 })
	.map((pairs) => Object.fromEntries(pairs.filter(([key]) => key !== '__proto__')));
const facts: fc.Arbitrary<Facts> = fc.record({
	opened: fc.option(
		fc.record({
			timeUs: long,
			host: text,
			boot: text,
			matcher: text,
			jobKey: text,
			ciRunId: text,
			repository: text,
			commit: text,
			rootExecId: text,
			workspace: text,
			step: text,
		}),
	),
	processes: fc.array(
		fc.record({
			timeUs: long,
			execId: text,
			parentExecId: text,
			pid: int,
			uid: int,
			binary: text,
			arguments: text,
			cwd: text,
			flags: text,
			container: text,
			root: fc.boolean(),
			foreign: fc.boolean(),
			executed: fc.boolean(),
			digest: text,
			dev: long,
			ino: text,
			environment,
		}),
		{ maxLength: 3 },
	),
	exits: fc.array(fc.record({ timeUs: long, execId: text, status: int, signal: text }), { maxLength: 2 }),
	files: fc.array(file, { maxLength: 6 }),
	connections: fc.array(
		fc.record({
			op: fc.constantFrom('connect', 'bind'),
			execId: text,
			family: text,
			address: text,
			port: int,
			firstUs: long,
			lastUs: long,
			count: long,
		}),
		{ maxLength: 2 },
	),
	ptraces: fc.constant([]),
	gaps: fc.array(fc.record({ cause: text, detail: text, fromUs: long, toUs: long, count: long }), { maxLength: 2 }),
	notes: fc.array(fc.record({ cause: text, execId: text, detail: text, timeUs: long, count: long }), { maxLength: 2 }),
	products: fc.constant([]),
	closed: fc.option(
		fc.record({
			timeUs: long,
			reason: fc.constantFrom('exited', 'idle', 'maximum', 'end_of_input', 'state_lost'),
			events: long,
			orphanProcesses: long,
			filesWithoutDigest: long,
			copies: long,
			lossCounters: fc.constantFrom('known', 'unknown'),
			workspaceWatched: fc.boolean(),
			hooks: fc.array(text, { maxLength: 2 }),
		}),
	),
}) as fc.Arbitrary<Facts>;

const link = {
	session: 'f'.repeat(64),
	sequence: 3,
	previous: Buffer.alloc(32, 7),
	watermarkUs: 1_790_000_000_000_000,
};

describe('the writer of fact batches', () => {
	it('writes what the general codec writes', () => {
		fc.assert(
			fc.property(facts, (some) => {
				const bytes = writeFactBatch(link, some);
				const batch = factBatchCodec.decode(bytes);
				assert.deepEqual(Buffer.from(bytes), Buffer.from(factBatchCodec.encode(batch)));
			}),
		);
	});

	it('loses nothing', () => {
		// What is no well-formed text cannot be told in UTF-8.
		const wellFormed = facts.filter(
			(some) => JSON.stringify(some).isWellFormed() && !/\\ud[89a-f]/.test(JSON.stringify(some)),
		);
		fc.assert(
			fc.property(wellFormed, (some) => {
				const read = decodeFactBatch(writeFactBatch(link, some));
				assert.deepEqual({ ...read.link, previous: Buffer.from(read.link.previous) }, link);
				assert.deepEqual(structuredClone(read.facts), structuredClone(some));
			}),
		);
	});

	it('gives each batch its own memory', () => {
		const one = writeFactBatch(link, decodeFactBatch(writeFactBatch(link, sample)).facts);
		const before = Buffer.from(one);
		writeFactBatch(
			{ ...link, sequence: 4 },
			{ ...sample, notes: [{ cause: 'x', execId: '', detail: '', timeUs: 0, count: 1 }] },
		);
		assert.deepEqual(one, before);
	});

	it('refuses a number that the schema does not hold', () => {
		const gap = { cause: '', detail: '', fromUs: 2 ** 60, toUs: 0, count: 0 };
		assert.throws(() => writeFactBatch(link, { ...sample, gaps: [gap] }), RangeError);
	});
});

const sample: Facts = {
	opened: null,
	processes: [],
	exits: [],
	files: [],
	connections: [],
	ptraces: [],
	gaps: [],
	notes: [],
	products: [],
	closed: null,
};
