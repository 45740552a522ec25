// Topics of a test's own on the given broker, and logs on them.
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { givenServers } from '../../../../test/servers/given.ts';
import { type KafkaLog, openKafkaLog } from '../../src/kafka/log.ts';
import type { KafkaLogOptions } from '../../src/kafka/options.ts';
import { wantedTopics } from '../../src/kafka/topic-plan.ts';
import { applyPlan } from '../../src/kafka/topics.ts';
import type { Origin, OutRecord, Topic } from '../../src/ports.ts';

export interface TestTopics {
	brokers: string[];
	prefix: string;
	/** Closed when the test ends. */
	open(options?: Partial<KafkaLogOptions>): Promise<KafkaLog>;
	/** kafkajs itself, to write what no writer of ours does. */
	kafka: Kafka;
	dispose(): Promise<void>;
}

export const dayMs = 86_400_000;

export async function makeTopics(
	brokers: string[],
	partitions: Partial<Record<Topic, number>> = {},
	config: Partial<Record<Topic, Record<string, string>>> = {},
): Promise<TestTopics> {
	const prefix = `kafka-${randomBytes(4).toString('hex')}.`;
	const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 10, initialRetryTime: 200 } });
	const admin = kafka.admin();
	await admin.connect();
	const wanted = wantedTopics({
		topicPrefix: prefix,
		partitions: 1,
		replicationFactor: 1,
		minInsyncReplicas: 1,
		traceRetentionMs: dayMs,
		sessionRetentionMs: dayMs,
		retentionMsMin: 0,
	});
	const create = wanted.map((settings) => ({
		...settings,
		partitions: partitions[settings.topic] ?? 1,
		config: new Map([...settings.config, ...Object.entries(config[settings.topic] ?? {})]),
	}));
	await applyPlan({ brokers }, { create, alter: [], refuse: [] });
	const logs: KafkaLog[] = [];
	return {
		brokers,
		prefix,
		kafka,
		open: async (options) => {
			const log = await openKafkaLog({ brokers, topicPrefix: prefix, ...options });
			logs.push(log);
			return log;
		},
		dispose: async () => {
			await Promise.all(logs.map((log) => log.close()));
			await admin.deleteTopics({ topics: wanted.map(({ name }) => name) }).catch(() => {});
			await admin.disconnect();
		},
	};
}

/** On the broker of `npm test`; null after the test was skipped for want of one. */
export async function givenTopics(
	t: TestContext,
	partitions?: Partial<Record<Topic, number>>,
	config?: Partial<Record<Topic, Record<string, string>>>,
): Promise<TestTopics | null> {
	const servers = givenServers(t);
	if (servers === null) return null;
	const topics = await makeTopics(servers.brokers.split(','), partitions, config);
	t.after(topics.dispose);
	return topics;
}

export const recordOf = (
	topic: Topic,
	key: string,
	value: string | Uint8Array,
	offset = 0,
): OutRecord & { origin: Origin } => ({
	topic,
	key,
	value: typeof value === 'string' ? Buffer.from(value) : value,
	origin: { stage: 'test', partition: 0, offset, index: 0 },
});

export const everything = { records: 10_000, bytes: 1 << 30 };

export const textsOf = (records: readonly { value: Uint8Array }[]): string[] =>
	records.map(({ value }) => Buffer.from(value).toString());

/** Until `done`, or an error that says what was waited for. */
export async function until(what: string, done: () => boolean, timeoutMs = 60_000): Promise<void> {
	const end = Date.now() + timeoutMs;
	while (!done()) {
		if (Date.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}
