// An outbox entry's header: `TOPIC PARTITION OFFSET INDEX BYTES_OF_STAGE` and a line feed, the origin's stage, the key.
import { StreamError } from '../errors.ts';
import type { Origin, OutRecord, Topic } from '../ports.ts';
import { topics } from '../topics.ts';
import { decodeName, encodeName } from './keys.ts';

export type Entry = OutRecord & { origin: Origin };

export function encodeEntryHeader({ topic, key, origin }: Entry): string | Buffer {
	const { stage, partition, offset, index } = origin;
	if (stage.isWellFormed() && key.isWellFormed())
		return `${topic} ${partition} ${offset} ${index} ${Buffer.byteLength(stage)}\n${stage}${key}`;
	const name = encodeName(stage);
	const place = `${topic} ${partition} ${offset} ${index} ${name.byteLength}\n`;
	return Buffer.concat([Buffer.from(place), name, encodeName(key)]);
}

const placeBytesMax = 100;
const topicOf = new Map<string, Topic>(topics.map((topic) => [topic, topic]));

/** Throws StreamError('store-corrupt'). */
export function decodeEntry(header: Buffer, value: Buffer): Entry {
	const end = header.subarray(0, placeBytesMax).indexOf(0x0a);
	const found = header
		.toString('latin1', 0, Math.max(end, 0))
		.match(/^([a-z]+) (\d{1,16}) (\d{1,16}) (\d{1,16}) (\d{1,9})$/);
	const topic = topicOf.get(found?.[1] ?? '');
	const keyAt = end + 1 + Number(found?.[5]);
	if (!found || !topic || keyAt > header.byteLength)
		throw new StreamError('store-corrupt', 'redis: an outbox entry without its header');
	return {
		topic,
		key: decodeName(header.subarray(keyAt)),
		value,
		origin: {
			stage: decodeName(header.subarray(end + 1, keyAt)),
			partition: Number(found[2]),
			offset: Number(found[3]),
			index: Number(found[4]),
		},
	};
}
