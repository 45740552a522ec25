// The topics of a test's own, as a fleet has them.
import type { Topic } from '@affidavit/stream/ports.ts';
import { topics } from '@affidavit/stream/topics.ts';
import { Kafka, logLevel } from 'kafkajs';

const partitioned: readonly Topic[] = ['trace', 'session', 'finding', 'verdict', 'attestation', 'deadletter'];
const compacted: readonly Topic[] = ['indicator', 'host'];

/** Removed when the test ends. */
export async function makeTopics(brokers: string, prefix: string, partitions: number): Promise<() => Promise<void>> {
	const admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin();
	const names = topics.map((topic) => prefix + topic);
	await admin.connect();
	try {
		await admin.createTopics({
			waitForLeaders: true,
			topics: topics.map((topic) => ({
				topic: prefix + topic,
				numPartitions: partitioned.includes(topic) ? partitions : 1,
				configEntries: Object.entries({
					'message.timestamp.type': 'LogAppendTime',
					'max.message.bytes': String(10 * 1024 ** 2),
					'cleanup.policy': compacted.includes(topic) ? 'compact' : 'delete',
				}).map(([name, value]) => ({ name, value })),
			})),
		});
	} finally {
		await admin.disconnect();
	}
	return async () => {
		await admin.connect();
		await admin.deleteTopics({ topics: names });
		await admin.disconnect();
	};
}
