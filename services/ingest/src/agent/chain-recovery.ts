// An agent that lost its checkpoint finds the head of its chain in what it has published: a chain that began anew would look
// like a forged one.
import { createPublicKey } from 'node:crypto';
import { type ChainState, type HostKey, verifySignedBatch } from '@affidavit/model/batch-signature.ts';
import type { Log, LogRecord } from '@affidavit/stream/ports.ts';

/** Records at the end of each partition that are looked through, at most; read in windows from the end. */
const recordsMax = 10_000;
const windowRecords = 250;
const windowBytesMax = 64 * 1024 * 1024;

/** Null when none of the last records is the host's own, signed with `key`. */
export async function recoverChain(log: Log, host: string, key: HostKey): Promise<ChainState | null> {
	const publicKey = createPublicKey(key.privateKey);
	let newest: ChainState | null = null;
	for (let partition = 0; partition < log.partitions('trace'); partition++) {
		const { start, end } = await log.bounds('trace', partition);
		const least = Math.max(start, end - recordsMax);
		for (let to = end; to > least; to -= windowRecords) {
			const found = newestOf(
				await readWindow(log, partition, Math.max(least, to - windowRecords), to),
				host,
				(name, id) => (name === host && id === key.keyId ? publicKey : undefined),
			);
			if (found === null) continue;
			if (newest === null || found.sequence > newest.sequence) newest = found;
			break;
		}
	}
	return newest;
}

async function readWindow(log: Log, partition: number, from: number, to: number): Promise<LogRecord[]> {
	const records: LogRecord[] = [];
	for (let offset = from; offset < to; ) {
		const read = await log.read('trace', partition, offset, { records: to - offset, bytes: windowBytesMax });
		if (read.length === 0) break;
		records.push(...read);
		offset = (read.at(-1) as LogRecord).offset + 1;
	}
	return records;
}

function newestOf(
	records: readonly LogRecord[],
	host: string,
	resolveKey: Parameters<typeof verifySignedBatch>[1],
): ChainState | null {
	let newest: ChainState | null = null;
	for (const record of records) {
		if (record.key !== host) continue;
		const verified = verifySignedBatch(record.value, resolveKey);
		if (verified.kind === 'error' || (newest !== null && verified.batch.sequence < newest.sequence)) continue;
		newest = { sequence: verified.batch.sequence + 1, previous: verified.payloadDigest };
	}
	return newest;
}
