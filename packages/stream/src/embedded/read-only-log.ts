// The embedded log as another process sees it: the owner may go on writing meanwhile. For replays and look-ups; changes nothing.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StreamError } from '../errors.ts';
import type { Log, Topic } from '../ports.ts';
import { topics } from '../topics.ts';
import { logVersion, openRecordReader, type RecordReader } from './log-partition.ts';

/** What can be asked of a log without becoming one of its readers. */
export type ReadOnlyLog = Pick<Log, 'partitions' | 'read' | 'bounds' | 'offsetAt' | 'close'>;

/** null when the folder holds no log. Throws StreamError('log-corrupt') when it holds something else. */
export function openReadOnlyLog(folder: string): ReadOnlyLog | null {
	const file = join(folder, 'log.db');
	if (!existsSync(file)) return null;
	let db: DatabaseSync | undefined;
	try {
		db = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
		const version = db.prepare('PRAGMA user_version').get()?.['user_version'];
		if (version !== logVersion)
			throw new StreamError(
				'log-corrupt',
				`${file}: version ${String(version)} of the log: expected ${String(logVersion)}`,
			);
		return readOnlyLog(db, file);
	} catch (error) {
		db?.close();
		throw error instanceof StreamError
			? error
			: new StreamError('log-corrupt', `${file}: not a log of ours, or damaged`, error);
	}
}

function readOnlyLog(db: DatabaseSync, file: string): ReadOnlyLog {
	const known = new Map<string, RecordReader>();
	const counts = new Map<Topic, number>();
	for (const row of db.prepare('SELECT topic, max(partition) + 1 AS count FROM partition GROUP BY topic').iterate())
		if ((topics as readonly unknown[]).includes(row['topic'])) counts.set(row['topic'] as Topic, Number(row['count']));
	let open = true;
	const at = (topic: Topic, partition: number): RecordReader => {
		if (!open) throw new StreamError('closed', `${file}: closed`);
		const count = counts.get(topic) ?? 0;
		if (!Number.isInteger(partition) || partition < 0 || partition >= count)
			throw new RangeError(`${topic}/${partition}: the topic has ${count} partitions`);
		const name = `${topic}/${partition}`;
		let reader = known.get(name);
		if (reader === undefined) {
			reader = openRecordReader(db, topic, partition);
			known.set(name, reader);
		}
		return reader;
	};
	return {
		// A topic that the owner has not made yet holds nothing.
		partitions: (topic) => counts.get(topic) ?? 0,
		read: async (topic, partition, offset, max) => at(topic, partition).read(offset, max),
		bounds: async (topic, partition) => at(topic, partition).bounds(),
		offsetAt: async (topic, partition, timeUs) => {
			const reader = at(topic, partition);
			const { start, end } = reader.bounds();
			return reader.offsetAt(start, end, timeUs);
		},
		close: async () => {
			if (open) db.close();
			open = false;
		},
	};
}
