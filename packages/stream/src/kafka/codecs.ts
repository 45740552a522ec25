// Compression for kafkajs, which keeps its codecs in one table of the process. Reading is bounded: a batch that grows past the
// bound, or that is not laid out as a batch must be, is refused before it takes memory (refusedBatch).
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import kafkajs from 'kafkajs';
import { budgetOf } from './fetch-budget.ts';
import { readGuarded, refusedBatch } from './record-guard.ts';

/** kafkajs's bit for each; `none` is here so that what was not compressed is looked at as well. */
const types = { none: 0, gzip: 1, zstd: 4 } as const;
/** Snappy, lz4 and what Kafka has no name for yet. Nobody of ours writes them: one such batch must not hold its partition for ever. */
const foreignTypes: readonly number[] = [2, 3, 5, 6, 7];

interface Encoded {
	buffer: Buffer;
}

/**
 * On the caller's thread: a request's worth takes some milliseconds, and the pool's hand-over, its small pieces and the collection
 * of these cost more than the work itself. The table is the process's: the last call's settings hold for all.
 */
export function registerCodecs(settings: { level: number; batchBytesMax: number }): void {
	const table = kafkajs.CompressionCodecs as unknown as Record<number, () => object>;
	const { level, batchBytesMax } = settings;
	const none = {
		compress: async (encoded: Encoded) => encoded.buffer,
		decompress: async (buffer: Buffer) => readGuarded(buffer, () => buffer),
	};
	const gzipCodec = {
		compress: async ({ buffer }: Encoded) =>
			gzipSync(buffer, { level: Math.min(9, Math.max(1, level)), chunkSize: chunkOf(buffer.length) }),
		decompress: async (buffer: Buffer) =>
			readGuarded(
				buffer,
				bounded(batchBytesMax, (maxOutputLength) =>
					gunzipSync(buffer, { maxOutputLength, chunkSize: chunkOf(buffer.length * growth) }),
				),
			),
	};
	const params = { [constants.ZSTD_c_compressionLevel]: level };
	const zstdCodec = {
		compress: async ({ buffer }: Encoded) => zstdCompressSync(buffer, { params, chunkSize: chunkOf(buffer.length) }),
		decompress: async (buffer: Buffer) =>
			readGuarded(
				buffer,
				bounded(batchBytesMax, (maxOutputLength) =>
					zstdDecompressSync(buffer, { maxOutputLength, chunkSize: chunkOf(buffer.length * growth) }),
				),
			),
	};
	const foreign = {
		compress: async () => {
			throw new Error('kafka: expected no compression, gzip or zstd');
		},
		decompress: async (buffer: Buffer) =>
			readGuarded(buffer, () => {
				throw refusedBatch('compressed by neither gzip nor zstd');
			}),
	};
	for (const type of foreignTypes) table[type] = () => foreign;
	table[types.none] = () => none;
	table[types.gzip] = () => gzipCodec;
	table[types.zstd] = () => zstdCodec;
}

/** What batches of events usually grow to; most are given out in one piece then. */
const growth = 4;
const chunkMin = 4 * 1024;
const chunkMax = 4 * 1024 ** 2;
const chunkOf = (bytes: number): number => Math.min(chunkMax, Math.max(chunkMin, bytes));

const bounded = (batchBytesMax: number, decompress: (bytesMax: number) => Buffer) => (): Buffer => {
	const budget = budgetOf();
	const bytesMax = Math.max(1, Math.min(batchBytesMax, budget?.left ?? batchBytesMax));
	try {
		const bytes = decompress(bytesMax);
		if (budget) budget.left -= bytes.length;
		return bytes;
	} catch (error) {
		throw refusedBatch(`decompressing to at most ${bytesMax} bytes: ${(error as Error).message}`, error);
	}
};
