// Whether a record read from a shared log is one that its origin wrote, where it belongs.
import { partitionOf } from '../partition.ts';
import type { Log, LogRecord } from '../ports.ts';
import type { SealRefusal, Seals } from './seal.ts';

/** null: the record may be used. Without `seals` this process is the log's only writer, and every record may. */
export function refusalOf(
	log: Pick<Log, 'partitions'>,
	seals: Seals | undefined,
	record: LogRecord,
): SealRefusal | null {
	if (seals === undefined) return null;
	const partition = partitionOf(record.key, log.partitions(record.topic));
	// A true record in another partition would be no copy of itself to that partition's reader.
	if (partition !== record.partition)
		return { code: 'misplaced', message: `partition ${record.partition}: expected ${partition} for the record's key` };
	return seals.check(record);
}
