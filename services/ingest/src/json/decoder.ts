// One line of Tetragon's JSON export to a trace event.
import type { DecodeResult, Decoder } from '../decode-result.ts';
import { asBytes } from '../event/bytes.ts';
import { createProcessCache } from '../event/process-cache.ts';
import { createProcessBuilder, type Redactor } from '../event/process-info.ts';
import { defaultEnvironment } from '../redact/environment.ts';
import { createRedactor } from '../redact/redactor.ts';
import { createFastDecoder } from './fast.ts';
import { createGeneralDecoder, failure } from './general.ts';
import { createProcessReader } from './process-reader.ts';

export interface JsonDecoderOptions {
	/** Longest line, bytes; 1 MiB when absent. */
	readonly lineBytesMax?: number;
	/** Processes that are remembered; 16,384 when absent. */
	readonly processesMax?: number;
	/** Bytes of remembered processes; 32 MiB when absent. */
	readonly processBytesMax?: number;
	/** Names of the environment variables that may leave the host (`NAME`, `PREFIX*`); redact/environment.ts when absent. */
	readonly environmentAllow?: readonly string[];
	/** Applied to arguments and environment; the shipped patterns when absent. */
	readonly redact?: Redactor;
}

const defaults = { lineBytesMax: 1 << 20, processesMax: 16_384, processBytesMax: 32 << 20 };

export function createJsonDecoder(options: JsonDecoderOptions = {}): Decoder {
	const lineBytesMax = options.lineBytesMax ?? defaults.lineBytesMax;
	const cache = createProcessCache({
		entriesMax: options.processesMax ?? defaults.processesMax,
		bytesMax: options.processBytesMax ?? defaults.processBytesMax,
	});
	const build = createProcessBuilder(
		options.environmentAllow ?? defaultEnvironment,
		options.redact ?? createRedactor(),
	);
	const fast = createFastDecoder(createProcessReader(cache, build));
	const general = createGeneralDecoder(build, cache.intern);

	return {
		decode(bytes: Uint8Array): DecodeResult {
			if (bytes.length > lineBytesMax)
				return failure('too-long', `line: expected at most ${lineBytesMax} bytes, found ${bytes.length}`);
			const line = asBytes(bytes);
			const known = fast.decode(line);
			if (known) return known;
			const result = general(line);
			if (result.kind === 'event') fast.learn(line, result);
			return result;
		},
	};
}
