import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createJsonDecoder } from '../../src/json/decoder.ts';
import { createProtobufDecoder } from '../../src/protobuf/decoder.ts';
import { streamLines } from '../json/streams.ts';
import { messages, responseType } from './sample.ts';

const sample = messages();
const type = responseType();

test('the 600 recorded messages give what the same events in JSON give', () => {
	const lines = streamLines('grpc-sample');
	const binary = createProtobufDecoder();
	const json = createJsonDecoder();
	assert.equal(sample.length, lines.length);
	// Twice: the second round meets known processes only.
	for (let round = 0; round < 2; round++)
		for (const [i, message] of sample.entries()) {
			const result = binary.decode(message);
			assert.equal(result.kind, 'event');
			assert.deepStrictEqual(result, json.decode(lines[i] as Buffer));
		}
});

test('one process is one object', () => {
	const decoder = createProtobufDecoder();
	const infos = new Map<string, unknown>();
	for (const message of sample) {
		const result = decoder.decode(message);
		if (result.kind === 'error') throw new Error(result.message);
		const known = infos.get(result.process.execId);
		if (known) assert.equal(result.process, known);
		infos.set(result.process.execId, result.process);
	}
});

const process = { execId: 'aG9zdDoxOjI=', pid: { value: 2 }, binary: '/bin/cc', refcnt: 1, tid: { value: 2 } };
const envelope = { nodeName: 'host', time: { seconds: 1795409821, nanos: 751988629 } };
const encode = (value: Record<string, unknown>): Uint8Array => type.encode(type.fromObject(value)).finish();

function eventOf(value: Record<string, unknown>) {
	const result = createProtobufDecoder().decode(encode({ ...value, ...envelope }));
	if (result.kind === 'error') throw new Error(result.message);
	return result.event;
}

function failureOf(bytes: Uint8Array): { code: string; message: string } {
	const result = createProtobufDecoder().decode(bytes);
	if (result.kind === 'event') throw new Error('expected an error');
	return { code: result.code, message: result.message };
}

test('64-bit values: all digits of an inode, numbers held within the safe integers', () => {
	const withArgs = (args: unknown[]) => eventOf({ processLsm: { process, functionName: 'file_post_open', args } });
	const event = withArgs([
		{ sizeArg: '18446744073709551615', label: 'ino' },
		{ longArg: '9223372036854775807', label: 'size' },
		{ longArg: '-5', label: 'pos' },
		{ uintArg: 4294967295, label: 'dev' },
		{ intArg: -2, label: 'f_flags' },
	]);
	assert.deepEqual(
		[event.ino, event.size, event.pos, event.dev, event.flags],
		['18446744073709551615', Number.MAX_SAFE_INTEGER, -5, 4294967295, -2],
	);
	assert.equal(withArgs([{ longArg: '-9223372036854775808', label: 'pos' }]).pos, -Number.MAX_SAFE_INTEGER);
	assert.equal(withArgs([{ longArg: '-9223372036854775808', label: 'ino' }]).ino, '-9223372036854775808');
	assert.equal(withArgs([{ sizeArg: '9007199254740993', label: 'ino' }]).ino, '9007199254740993');
	assert.equal(withArgs([{ sizeArg: '4503599627370497', label: 'size' }]).size, 4503599627370497);
});

test('the other kinds', () => {
	assert.equal(eventOf({ processExec: { process } }).kind, 'exec');
	const exit = eventOf({ processExit: { process, signal: 'SIGKILL', status: 4294967295 } });
	assert.deepEqual([exit.kind, exit.signal, exit.status], ['exit', 'SIGKILL', -1]);
	assert.equal(eventOf({ processLoader: { process, path: '/l.so' } }).path, '/l.so');
	assert.equal(eventOf({ processTracepoint: { process, subsys: 's', event: 'e' } }).hook, 'tracepoint:s/e');
	assert.equal(eventOf({ processUprobe: { process, path: '/l', symbol: 'f' } }).hook, 'uprobe:/l:f');
	assert.equal(eventOf({ processThrottle: { type: 'THROTTLE_STOP' } }).signal, 'THROTTLE_STOP');
	assert.equal(eventOf({ rateLimitInfo: { numberOfDroppedProcessEvents: 12 } }).count, 12);
	const socket = eventOf({
		processKprobe: {
			process,
			functionName: 'tcp_connect',
			args: [{ sockArg: { family: 'AF_INET', saddr: '10.0.0.1', daddr: '10.0.0.2', sport: 4, dport: 443 } }],
		},
	});
	assert.deepEqual([socket.kind, socket.family, socket.address, socket.port], ['connect', 'AF_INET', '10.0.0.2', 443]);
});

test('every error names the part and what was expected', () => {
	const exec = encode({ processExec: { process }, ...envelope });
	assert.match(failureOf(exec.subarray(0, exec.length - 1)).message, /byte \d+: expected \d+ bytes, found \d+/);
	assert.equal(failureOf(exec.subarray(0, exec.length - 1)).code, 'not-protobuf');
	assert.equal(failureOf(new Uint8Array(0)).code, 'missing-field');
	assert.deepEqual(failureOf(encode({ processExec: {}, ...envelope })), {
		code: 'missing-field',
		message: 'process_exec: process: expected a message, found nothing',
	});
	assert.equal(
		failureOf(encode({ processExec: { process }, nodeName: 'h' })).message,
		'time: expected a timestamp, found nothing',
	);
	assert.equal(
		failureOf(encode({ processExec: { process }, nodeName: 'h', time: { seconds: 7258118400 } })).code,
		'out-of-range',
	);
	// Field 29, process_usdt.
	assert.deepEqual(failureOf(Uint8Array.of(0xea, 0x01, 0)), {
		code: 'unknown-event',
		message: 'message: expected process_exec, process_kprobe or another known event, found field 29',
	});
	// process_lsm { args { size_arg as bytes } }
	assert.deepEqual(failureOf(Buffer.concat([Uint8Array.of(0xe2, 0x01, 4, 0x3a, 2, 0x22, 0), encode(envelope)])), {
		code: 'wrong-type',
		message: 'process_lsm: args[0]: size_arg: expected a varint, found wire type 2',
	});
	const small = createProtobufDecoder({ messageBytesMax: 3 }).decode(new Uint8Array(4));
	assert.deepEqual(small, { kind: 'error', code: 'too-long', message: 'message: expected at most 3 bytes, found 4' });
});

const at = fc.noBias(fc.integer({ min: 0, max: 9999 }));
const edit = fc.oneof(
	fc.record({ kind: fc.constant('set' as const), at, byte: fc.noBias(fc.nat({ max: 255 })) }),
	fc.record({ kind: fc.constant('flip' as const), at, bit: fc.nat({ max: 7 }) }),
	fc.record({ kind: fc.constant('insert' as const), at, bytes: fc.uint8Array({ maxLength: 11 }) }),
	fc.record({ kind: fc.constant('delete' as const), at, length: fc.integer({ min: 1, max: 20 }) }),
);
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

function apply(message: Buffer, change: Edit): Buffer {
	const place = Math.floor((change.at / 10_000) * message.length);
	const before = message.subarray(0, place);
	switch (change.kind) {
		case 'set':
			return Buffer.concat([before, Uint8Array.of(change.byte), message.subarray(place + 1)]);
		case 'flip':
			return Buffer.concat([
				before,
				Uint8Array.of((message[place] ?? 0) ^ (1 << change.bit)),
				message.subarray(place + 1),
			]);
		case 'insert':
			return Buffer.concat([before, change.bytes, message.subarray(place)]);
		case 'delete':
			return Buffer.concat([before, message.subarray(place + change.length)]);
	}
}

test('mutated messages: the same with and without memory of messages before, and never a throw', () => {
	const warm = createProtobufDecoder();
	for (const message of sample) warm.decode(message);
	let events = 0;
	fc.assert(
		fc.property(
			fc.noBias(fc.nat({ max: sample.length - 1 })),
			fc.array(edit, { minLength: 1, maxLength: 3 }),
			(pick, edits) => {
				const message = edits.reduce(apply, sample[pick] as Buffer);
				const fresh = freshDecoder.decode(message);
				for (let n = 0; n < 2; n++) assert.deepStrictEqual(warm.decode(message), fresh);
				if (fresh.kind === 'event') events++;
			},
		),
		{ numRuns: 6000 },
	);
	assert.ok(events > 1000, `only ${events} mutated messages were events`);
});

/** Remembers one process at most: all others are decoded field by field. */
const freshDecoder = createProtobufDecoder({ processesMax: 1, processBytesMax: 1 });

test('any bytes at all', () => {
	const decoder = createProtobufDecoder();
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
			assert.ok(['event', 'error'].includes(decoder.decode(bytes).kind));
		}),
		{ numRuns: 5000 },
	);
});
