// The fast path with its counterpart: the general decoder alone, without any memory of lines before.
import type { DecodeResult } from '../../src/decode-result.ts';
import { asBytes } from '../../src/event/bytes.ts';
import { createProcessCache } from '../../src/event/process-cache.ts';
import { createProcessBuilder } from '../../src/event/process-info.ts';
import { createFastDecoder } from '../../src/json/fast.ts';
import { createGeneralDecoder } from '../../src/json/general.ts';
import { createProcessReader } from '../../src/json/process-reader.ts';
import { defaultEnvironment } from '../../src/redact/environment.ts';

export interface Pair {
	/** As the decoder does it: fast, else general and learned. */
	decode(line: Uint8Array): { result: DecodeResult; fast: boolean };
	/** By JSON.parse alone. */
	general(line: Uint8Array): DecodeResult;
}

export function createPair(): Pair {
	const build = createProcessBuilder(defaultEnvironment, (text) => text);
	const cache = createProcessCache({ entriesMax: 4096, bytesMax: 8 << 20 });
	const fast = createFastDecoder(createProcessReader(cache, build));
	const learning = createGeneralDecoder(build, cache.intern);
	const alone = createGeneralDecoder(build, (info) => info);
	return {
		decode(line) {
			const known = fast.decode(asBytes(line));
			if (known) return { result: known, fast: true };
			const result = learning(asBytes(line));
			if (result.kind === 'event') fast.learn(asBytes(line), result);
			return { result, fast: false };
		},
		general: (line) => alone(asBytes(line)),
	};
}
