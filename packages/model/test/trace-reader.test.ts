// The one-pass reader against the general codec, on whatever a host may send.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { traceBatchCodec } from '../src/codec.ts';
import { frameBytes, writeFrame } from '../src/frame.ts';
import type { PackedEvent, PackedProcess, TraceBatch } from '../src/generated/trace.ts';
import { unpackBatch } from '../src/trace-event.ts';
import { readTraceBatch } from '../src/trace-reader.ts';

const texts = fc.array(
	fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', '/usr/bin/cc', 'x'.repeat(300))),
	{
		minLength: 1,
		maxLength: 12,
	},
);
const long = fc.oneof(
	fc.integer(),
	fc.integer({ min: -(2 ** 51), max: 2 ** 51 }),
	fc.constantFrom(-1, 0, 2 ** 28, 2 ** 35 - 1, 2 ** 52),
);
const int = fc.integer();

function batches(): fc.Arbitrary<TraceBatch> {
	return texts.chain((strings) => {
		const index = fc.nat({ max: strings.length });
		const process = fc.record<PackedProcess>({
			execId: index,
			parentExecId: index,
			pid: int,
			uid: int,
			binary: index,
			arguments: index,
			cwd: index,
			flags: index,
			startUs: long,
			container: index,
			inInitTree: fc.boolean(),
			mountNamespace: long,
			pod: index,
			environment: fc.array(index, { maxLength: 6 }),
		});
		return fc.array(process, { minLength: 1, maxLength: 5 }).chain((processes) =>
			fc.record<TraceBatch>({
				host: fc.string(),
				boot: fc.string(),
				source: fc.constantFrom('file', 'export', 'grpc', 'imported', 'tick'),
				sequence: long,
				previous: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
				observedUs: long,
				strings: fc.constant(['', ...strings]),
				processes: fc.constant(processes),
				events: fc.array(eventOf(index, processes.length), { maxLength: 20 }),
				losses: fc.array(fc.record({ counter: fc.string(), count: long, fromUs: long, toUs: long }), { maxLength: 3 }),
				lossCounters: fc.constantFrom('known', 'unknown'),
				hooks: fc.array(fc.string(), { maxLength: 3 }),
				endOfInput: fc.boolean(),
			}),
		);
	});
}

const eventOf = (index: fc.Arbitrary<number>, processes: number): fc.Arbitrary<PackedEvent> =>
	fc.record<PackedEvent>({
		kind: fc.constantFrom('exec', 'open', 'rename', 'other'),
		timeUs: long,
		process: fc.nat({ max: processes - 1 }),
		hook: index,
		path: index,
		path2: index,
		fsPath: index,
		fileType: index,
		dev: long,
		ino: index,
		size: long,
		flags: long,
		pos: long,
		digest: index,
		pid: int,
		request: long,
		family: index,
		address: index,
		port: int,
		count: long,
		status: int,
		signal: index,
	});

describe('the reader of trace batches', () => {
	it('reads what the general codec reads', () => {
		fc.assert(
			fc.property(batches(), (batch) => {
				const bytes = traceBatchCodec.encode(batch);
				const general = unpackBatch(traceBatchCodec.decode(bytes));
				// The general codec's records have a class of their own.
				assert.deepEqual(readTraceBatch(bytes), { ...general, losses: general.losses.map((loss) => ({ ...loss })) });
			}),
		);
	});

	it('refuses a batch that is cut anywhere, or goes on after its end', () => {
		fc.assert(
			fc.property(batches(), fc.nat(), (batch, at) => {
				const bytes = traceBatchCodec.encode(batch);
				const cut = frameBytes + (at % (bytes.length - frameBytes));
				assert.throws(() => readTraceBatch(bytes.subarray(0, cut)), RangeError);
				assert.throws(() => readTraceBatch(Buffer.concat([bytes, Buffer.of(0)])), RangeError);
			}),
		);
	});

	it('takes any bytes without more than a RangeError, and no more memory than they have', () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 200 }), batches(), fc.nat(), (noise, batch, at) => {
				const framed = Buffer.concat([Buffer.alloc(frameBytes), noise]);
				writeFrame(framed, traceBatchCodec.id);
				const bytes = Buffer.from(traceBatchCodec.encode(batch));
				bytes.set(noise.subarray(0, 8), frameBytes + (at % (bytes.length - frameBytes - 8)));
				for (const hostile of [framed, bytes])
					try {
						readTraceBatch(hostile);
					} catch (error) {
						assert.ok(error instanceof RangeError, String(error));
					}
			}),
		);
	});

	it('refuses counts that are lies before it allocates for them', () => {
		const lie = Buffer.from(traceBatchCodec.encode(empty));
		// The string table's count, behind host, boot, source, sequence, previous and time.
		const at = frameBytes + 1 + 1 + 1 + 1 + 33 + 1;
		const bytes = Buffer.concat([lie.subarray(0, at), Buffer.of(0xfe, 0xff, 0xff, 0xff, 0x0f), lie.subarray(at + 1)]);
		assert.throws(() => readTraceBatch(bytes), /an array is longer than the bytes/);
	});

	it('names a wrong index', () => {
		const wrong = { ...empty, processes: [], events: [] as PackedEvent[], hooks: [] };
		const event = Object.fromEntries(
			['timeUs', 'hook', 'path', 'path2', 'fsPath', 'fileType', 'dev', 'ino', 'size', 'flags', 'pos', 'digest', 'pid']
				.concat(['request', 'family', 'address', 'port', 'count', 'status', 'signal'])
				.map((name) => [name, 0]),
		);
		wrong.events = [{ ...event, kind: 'open', process: 3 } as unknown as PackedEvent];
		assert.throws(() => readTraceBatch(traceBatchCodec.encode(wrong)), /events.process: index 3/);
	});
});

const empty: TraceBatch = {
	host: '',
	boot: '',
	source: 'file',
	sequence: 0,
	previous: Buffer.alloc(32),
	observedUs: 0,
	strings: [''],
	processes: [],
	events: [],
	losses: [],
	lossCounters: 'known',
	hooks: [],
	endOfInput: false,
};
