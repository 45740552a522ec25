// GetEvents messages: our decoder against a full decode by protobufjs with the same schema.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createProtobufDecoder } from '@affidavit/ingest/protobuf/decoder.ts';
import { contest, type DecodeBench } from './rounds.ts';

/** The sample is short: passes over it in one round. */
const passes = 50;

export function benchGrpcDecode(): DecodeBench {
	const messages = sampleMessages();
	// protobufjs is CommonJS.
	const protobuf = createRequire(import.meta.url)('protobufjs') as typeof import('protobufjs');
	const schema = new URL('../../../schemas/tetragon.proto', import.meta.url).pathname;
	const type = protobuf.loadSync(schema).lookupType('tetragon.GetEventsResponse');
	return contest({
		count: messages.length * passes,
		ours() {
			const decoder = createProtobufDecoder();
			let events = 0;
			for (let pass = 0; pass < passes; pass++)
				for (const message of messages) if (decoder.decode(message).kind === 'event') events++;
			if (events !== messages.length * passes) throw new Error(`expected all messages to decode, found ${events}`);
			return events;
		},
		peer() {
			let objects = 0;
			for (let pass = 0; pass < passes; pass++)
				for (const message of messages) if (type.decode(message) !== null) objects++;
			return objects;
		},
		rounds: 7,
		warmUpRounds: 2,
	});
}

/** Each message is preceded by its length as a varint. */
function sampleMessages(): Buffer[] {
	const file = readFileSync(new URL('../../fixtures/traces/grpc-sample/events.binpb', import.meta.url));
	const messages: Buffer[] = [];
	let pos = 0;
	while (pos < file.length) {
		let length = 0;
		for (let shift = 0; ; shift += 7) {
			const byte = file[pos++] as number;
			length |= (byte & 0x7f) << shift;
			if (byte < 0x80) break;
		}
		messages.push(file.subarray(pos, pos + length));
		pos += length;
	}
	return messages;
}
