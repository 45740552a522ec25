// Reading a topic from outside a topology: what a summary, an exporter or a test wants to see.
import type { Log, LogRecord, Topic } from '../ports.ts';
import { refusalOf } from '../seal/refusal.ts';
import type { Seals } from '../seal/seal.ts';
import { isBeyond, type OriginMark, originKey } from './origin-mark.ts';
import { readRange } from './output-marks.ts';

/**
 * All records that a partition holds now, in order and without the copies that at-least-once publishing leaves; with `seals`
 * also without those that their origin did not write. Its memory of origins is as large as their number.
 */
export async function* readTopic(log: Log, topic: Topic, partition = 0, seals?: Seals): AsyncGenerator<LogRecord> {
	const marks = new Map<string, OriginMark>();
	const { start, end } = await log.bounds(topic, partition);
	for await (const records of readRange(log, topic, partition, start, end))
		for (const record of records) {
			const { origin } = record;
			if (refusalOf(log, seals, record) !== null) continue;
			if (origin !== null) {
				const key = originKey(origin);
				if (!isBeyond(origin, marks.get(key))) continue;
				marks.set(key, origin);
			}
			yield record;
		}
}
