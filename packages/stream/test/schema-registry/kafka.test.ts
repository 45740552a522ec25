// A registry's ids on a real broker: what other consumers see, and what the program reads back.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { deadLetterCodec } from '@affidavit/model/codec.ts';
import { frameIdOf } from '@affidavit/model/frame.ts';
import { versionsOf } from '@affidavit/model/schema-history.ts';
import { createClient } from '../../src/kafka/client.ts';
import { openKafkaLog } from '../../src/kafka/log.ts';
import { createSockets } from '../../src/kafka/sockets.ts';
import type { LogRecord } from '../../src/ports.ts';
import { type Frames, repoFrames } from '../../src/schema-registry/frames.ts';
import { openRegistryFrames } from '../../src/schema-registry/registry-frames.ts';
import { startRegistryDouble } from './registry-double.ts';

const brokers = process.env['KAFKA_BROKERS']?.split(',');
const letter = (subject: string): Uint8Array =>
	deadLetterCodec.encode({
		stage: 'ingest',
		origin: 'f:1',
		code: 'not-json',
		message: 'm',
		digest: 'd',
		length: 1,
		excerpt: '',
		timeUs: -1,
		subject,
	});

describe('records of a fleet with a registry', {
	skip: brokers ? false : 'needs KAFKA_BROKERS: host:port of a broker',
}, () => {
	const topicPrefix = `schema-${randomUUID().slice(0, 8)}.`;
	const closers: (() => Promise<void>)[] = [];
	after(async () => {
		for (const close of closers.reverse()) await close();
	});

	const readWith = async (frames: Frames): Promise<LogRecord[]> => {
		const log = await openKafkaLog({ brokers: brokers ?? [], topicPrefix, topics: ['deadletter'], frames });
		try {
			return await log.read('deadletter', 0, 0, { records: 10, bytes: 1e6 });
		} finally {
			await log.close();
		}
	};

	it('carry its ids on the broker, and ours in the program', async () => {
		const admin = createClient({ brokers: brokers ?? [] }, createSockets()).admin();
		await admin.connect();
		closers.push(() => admin.disconnect());
		await admin.createTopics({ topics: [{ topic: `${topicPrefix}deadletter`, numPartitions: 1 }] });
		closers.push(() => admin.deleteTopics({ topics: [`${topicPrefix}deadletter`] }));

		const registry = await startRegistryDouble({ firstId: 123_456 });
		closers.push(registry.close);
		const open = async (): Promise<Frames> => {
			const frames = await openRegistryFrames({ url: registry.url, topicPrefix, topics: ['deadletter'] });
			closers.push(frames.close);
			return frames;
		};
		const log = await openKafkaLog({
			brokers: brokers ?? [],
			topicPrefix,
			topics: ['deadletter'],
			frames: await open(),
		});
		const values = ['a', 'b', 'c'].map(letter);
		const origin = { stage: 'ingest', partition: 0, offset: 0, index: 0 };
		await log.append(
			values.map((value, index) => ({ topic: 'deadletter', key: 'k', value, origin: { ...origin, index } })),
		);
		await log.close();

		const seen = await readWith(repoFrames);
		const wireId = registry.subjects.get(`${topicPrefix}deadletter-value`)?.at(-1);
		assert.deepEqual(
			seen.map(({ value }) => frameIdOf(value)),
			[wireId, wireId, wireId],
		);
		const read = await readWith(await open());
		assert.deepEqual(
			read.map(({ value }) => Buffer.from(value).toString('hex')),
			values.map((value) => Buffer.from(value).toString('hex')),
		);
		assert.equal(frameIdOf(read[0]?.value as Uint8Array), versionsOf('deadletter').at(-1)?.id);
	});
});
