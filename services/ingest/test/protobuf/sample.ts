// The recorded messages, and a peer that decodes and encodes them in full.
import { createRequire } from 'node:module';
import type { Type } from 'protobufjs';
import { sampleMessages } from '../json/streams.ts';

/** protobufjs is CommonJS. */
const protobuf = createRequire(import.meta.url)('protobufjs') as typeof import('protobufjs');
const schema = new URL('../../../../schemas/tetragon.proto', import.meta.url).pathname;

export const responseType = (): Type => protobuf.loadSync(schema).lookupType('tetragon.GetEventsResponse');

/** grpc-sample/events.binpb: each message preceded by its length as a varint. */
export function messages(): Buffer[] {
	const file = sampleMessages();
	const found: Buffer[] = [];
	let pos = 0;
	while (pos < file.length) {
		let length = 0;
		for (let shift = 0; ; shift += 7) {
			const byte = file[pos++] as number;
			length |= (byte & 0x7f) << shift;
			if (byte < 0x80) break;
		}
		found.push(file.subarray(pos, pos + length));
		pos += length;
	}
	return found;
}
