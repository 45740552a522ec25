import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Loss } from '@affidavit/model/generated/trace.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import { type GrpcLimits, grpcLimits, openGrpcSource } from '../../src/grpc/grpc-source.ts';
import { createProtobufDecoder } from '../../src/protobuf/decoder.ts';
import type { LivePull, LiveSource } from '../../src/source/live-source.ts';
import { messages } from '../protobuf/sample.ts';
import { type SensorCall, withSensor } from './sensor.ts';

const sample = messages();
const nowUs = (): number => Math.trunc((performance.timeOrigin + performance.now()) * 1000);
const limits: GrpcLimits = { ...grpcLimits, retryMsMin: 10, retryMsMax: 40, settleMs: 50 };
/** Longest wait of a test, ms. */
const patienceMs = 10_000;

function open(socketPath: string, some: Partial<GrpcLimits> = {}) {
	const { emit, count } = collectingEmit();
	const source = openGrpcSource({
		target: { kind: 'unix', path: socketPath },
		nowUs,
		emit,
		limits: { ...limits, ...some },
	});
	return { source, count };
}

/** Pulls until `enough`. */
async function pullUntil(
	source: LiveSource,
	enough: (bytes: Uint8Array[], losses: Loss[]) => boolean,
): Promise<{ bytes: Uint8Array[]; losses: Loss[] }> {
	const bytes: Uint8Array[] = [];
	const losses: Loss[] = [];
	const deadline = Date.now() + patienceMs;
	while (!enough(bytes, losses)) {
		assert.ok(Date.now() < deadline, `waited too long: ${bytes.length} messages, ${losses.length} losses`);
		const pulled: LivePull = await source.pull(100, new AbortController().signal);
		for (const input of pulled.inputs) if (input.kind === 'message') bytes.push(input.bytes);
		losses.push(...pulled.losses);
	}
	return { bytes, losses };
}

const play =
	(from: number, to: number, after: (call: SensorCall) => void = () => {}) =>
	(call: SensorCall): void => {
		for (let i = from; i < to; i++) call.write(sample[i] as Buffer);
		after(call);
	};

test('messages arrive as they were sent, and decode', async () => {
	await withSensor(async (socketPath, sensor) => {
		await sensor.start(play(0, sample.length));
		const { source } = open(socketPath, { pullMessagesMax: 70 });
		const { bytes } = await pullUntil(source, (got) => got.length >= sample.length);
		await source.close();
		assert.equal(bytes.length, sample.length);
		const decoder = createProtobufDecoder();
		for (const [i, message] of bytes.entries()) {
			assert.ok((sample[i] as Buffer).equals(message));
			assert.equal(decoder.decode(message).kind, 'event');
		}
		assert.equal(source.checkpoint(), null);
	});
});

test('a dropped connection is a gap, told at once and to the moment when the stream is back', async () => {
	await withSensor(async (socketPath, sensor) => {
		await sensor.start(play(0, 100));
		const { source, count } = open(socketPath);
		await pullUntil(source, (got) => got.length === 100);
		const brokenUs = nowUs();
		sensor.stop();
		const first = await pullUntil(source, (_, losses) => losses.length > 0);
		await delay(120);
		await sensor.start(play(100, 200));
		const second = await pullUntil(source, (got) => got.length === 100);
		await source.close();
		assert.ok((sample[100] as Buffer).equals(second.bytes[0] as Uint8Array));
		const losses = [...first.losses, ...second.losses];
		for (const loss of losses) {
			assert.match(loss.counter, /^affidavit_source_disconnected\{reason="(unavailable|cancelled|internal|ended)"\}$/);
			assert.equal(loss.count, 0);
			assert.ok(loss.fromUs <= loss.toUs);
		}
		const start = (losses[0] as Loss).fromUs;
		assert.ok(start <= brokenUs, 'from the last sign of life on');
		for (let i = 1; i < losses.length; i++)
			assert.equal((losses[i] as Loss).fromUs, (losses[i - 1] as Loss).toUs, 'pieces touch');
		assert.ok((losses.at(-1) as Loss).toUs - brokenUs >= 120_000, 'to the moment when it is back');
		assert.ok(count('source_disconnected') >= 1);
	});
});

test('a sensor that is not there yet is waited for, and the wait is a gap', async () => {
	await withSensor(async (socketPath, sensor) => {
		const { source, count } = open(socketPath);
		const away = await pullUntil(source, (_, losses) => losses.length > 0);
		assert.equal((away.losses[0] as Loss).counter, 'affidavit_source_disconnected{reason="unavailable"}');
		await delay(100);
		await sensor.start(play(0, 5));
		const { bytes } = await pullUntil(source, (got) => got.length === 5);
		assert.equal(bytes.length, 5);
		const attempts = count('source_disconnected');
		assert.ok(attempts >= 2 && attempts <= 12, `${attempts} attempts: slower each time`);
		await source.close();
	});
});

test('a stream that the sensor ends is opened again', async () => {
	await withSensor(async (socketPath, sensor) => {
		let calls = 0;
		await sensor.start((call) => {
			const first = calls++ === 0;
			play(first ? 0 : 10, first ? 10 : 20, first ? (c) => c.end() : undefined)(call);
		});
		const { source } = open(socketPath);
		const { bytes, losses } = await pullUntil(source, (got) => got.length === 20);
		assert.deepEqual(
			bytes.map((b) => Buffer.from(b)),
			sample.slice(0, 20),
		);
		assert.ok(losses.some((loss) => loss.counter.includes('reason="ended"')));
		await source.close();
	});
});

test('an idle sensor is no gap for longer than the settling', async () => {
	await withSensor(async (socketPath, sensor) => {
		await sensor.start(() => {});
		const openedUs = nowUs();
		const { source } = open(socketPath);
		const { losses } = await pullUntil(source, (_, found) => found.length > 0);
		assert.equal(losses.length, 1);
		assert.equal((losses[0] as Loss).counter, 'affidavit_source_disconnected{reason="not-connected"}');
		assert.ok((losses[0] as Loss).toUs - openedUs < 2_000_000);
		await delay(100);
		const quiet = await source.pull(50, new AbortController().signal);
		assert.deepEqual(quiet, { inputs: [], losses: [], idle: true });
		await source.close();
	});
});

test('a consumer that does not pull stops the sender: the queue stays bounded', async () => {
	await withSensor(async (socketPath, sensor) => {
		let sent = 0;
		let stalled = false;
		const total = 12_000;
		await sensor.start((call) => {
			const more = (): void => {
				while (sent < total) {
					if (call.write(sample[sent++ % sample.length] as Buffer)) continue;
					stalled = true;
					call.once('drain', more);
					return;
				}
			};
			more();
		});
		const { source } = open(socketPath, { messagesMax: 100 });
		await delay(600);
		const sentWhileIdle = sent;
		await delay(200);
		assert.ok(stalled && sent === sentWhileIdle && sent < total, `${sent} sent with nobody pulling`);
		const { bytes } = await pullUntil(source, (got) => got.length === total);
		assert.ok(bytes.every((b, i) => (sample[i % sample.length] as Buffer).equals(b)));
		await source.close();
	});
});

test('a message over the limit breaks the stream, and says so', async () => {
	await withSensor(async (socketPath, sensor) => {
		await sensor.start((call) => {
			call.write(Buffer.alloc(5000));
		});
		const { source, count } = open(socketPath, { messageBytesMax: 4000 });
		const { losses } = await pullUntil(source, (_, found) =>
			found.some((loss) => loss.counter.includes('resource-exhausted')),
		);
		assert.ok(losses.length > 0);
		assert.ok(count('source_disconnected') > 0);
		await source.close();
	});
});

test('abort and close end a pull at once', async () => {
	await withSensor(async (socketPath, sensor) => {
		await sensor.start(() => {});
		const { source } = open(socketPath);
		await pullUntil(source, (_, losses) => losses.length > 0);
		const abort = new AbortController();
		const before = Date.now();
		const pulled = source.pull(60_000, abort.signal);
		abort.abort();
		await pulled;
		const second = source.pull(60_000, new AbortController().signal);
		await source.close();
		await second;
		assert.ok(Date.now() - before < 5000);
	});
});
