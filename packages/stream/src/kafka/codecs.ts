// Compression for kafkajs, which keeps its codecs in one table of the process. Reading is bounded: a batch that grows past the
// bound, or that is not laid out as a batch must be, is refused before it takes memory (refusedBatch).
import { promisify } from 'node:util';
import { constants, gunzip, gzip, zstdCompress, zstdDecompress } from 'node:zlib';
import kafkajs from 'kafkajs';
import { guardRecords, refusedBatch } from './record-guard.ts';

const deflate = promisify(gzip);
const inflate = promisify(gunzip);
const zstd = promisify(zstdCompress);
const unzstd = promisify(zstdDecompress);

/** kafkajs's bit for each; `none` is here so that what was not compressed is looked at as well. */
const types = { none: 0, gzip: 1, zstd: 4 } as const;

interface Encoded {
	buffer: Buffer;
}

/** The table is the process's: the last call's settings hold for all. Called when a log is opened. */
export function registerCodecs(settings: { level: number; batchBytesMax: number }): void {
	const table = kafkajs.CompressionCodecs as unknown as Record<number, () => object>;
	const bound = { maxOutputLength: settings.batchBytesMax };
	const none = {
		compress: async (encoded: Encoded) => encoded.buffer,
		decompress: async (buffer: Buffer) => guardRecords(buffer),
	};
	const gzipCodec = {
		compress: (encoded: Encoded) => deflate(encoded.buffer, { level: Math.min(9, settings.level) }),
		decompress: async (buffer: Buffer) => guardRecords(await bounded(inflate(buffer, bound))),
	};
	const zstdOptions = { params: { [constants.ZSTD_c_compressionLevel]: settings.level } };
	const zstdCodec = {
		compress: (encoded: Encoded) => zstd(encoded.buffer, zstdOptions),
		decompress: async (buffer: Buffer) => guardRecords(await bounded(unzstd(buffer, bound))),
	};
	table[types.none] = () => none;
	table[types.gzip] = () => gzipCodec;
	table[types.zstd] = () => zstdCodec;
}

async function bounded(output: Promise<Buffer>): Promise<Buffer> {
	try {
		return await output;
	} catch (error) {
		throw refusedBatch(`decompressing: ${(error as Error).message}`, error);
	}
}
