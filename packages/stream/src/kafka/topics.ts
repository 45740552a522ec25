// The topics at the broker: read, create, alter (topic-plan.ts decides what).
import type { Admin } from 'kafkajs';
import { StreamError } from '../errors.ts';
import { createClient } from './client.ts';
import { cluesOf, toStreamError } from './errors.ts';
import type { KafkaConnection } from './options.ts';
import { createSockets } from './sockets.ts';
import type { FoundTopic, TopicPlan } from './topic-plan.ts';

const topicResource = 2;
/** Kafka's DYNAMIC_TOPIC_CONFIG: set on the topic itself. */
const ownSource = 1;

/** Those of `names` that are there. Needs DescribeConfigs on each. Rejects with a StreamError. */
export async function readTopics(connection: KafkaConnection, names: readonly string[]): Promise<FoundTopic[]> {
	return await withAdmin(connection, 'reading topics', async (admin) => {
		const found: FoundTopic[] = [];
		for (const name of names) {
			const shape = await shapeOf(admin, name);
			if (shape === null) continue;
			const { resources } = await admin.describeConfigs({
				includeSynonyms: false,
				resources: [{ type: topicResource, name }],
			});
			const config = new Map<string, { value: string; own: boolean }>();
			for (const entry of resources[0]?.configEntries ?? [])
				config.set(entry.configName, {
					value: entry.configValue ?? '',
					own: (entry.configSource as number) === ownSource,
				});
			found.push({ name, ...shape, config });
		}
		return found;
	});
}

async function shapeOf(admin: Admin, name: string): Promise<{ partitions: number; replicationFactor: number } | null> {
	try {
		const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
		const partitions = topics.find((t) => t.name === name)?.partitions ?? [];
		if (partitions.length === 0) return null;
		return {
			partitions: partitions.length,
			// A reassignment under way shows more replicas for a while: the fewest count.
			replicationFactor: Math.min(...partitions.map((p) => p.replicas.length)),
		};
	} catch (error) {
		if (cluesOf(error).type === 'UNKNOWN_TOPIC_OR_PARTITION') return null;
		throw error;
	}
}

/** Creates and alters; what the plan refuses stays as it is. May be repeated. Needs Create and AlterConfigs. */
export async function applyPlan(connection: KafkaConnection, plan: TopicPlan): Promise<void> {
	if (plan.create.length + plan.alter.length === 0) return;
	await withAdmin(connection, 'changing topics', async (admin) => {
		if (plan.create.length > 0) {
			await createTopics(admin, plan.create);
			for (const { name } of plan.create) await awaitTopic(admin, name);
		}
		for (const { name, config } of plan.alter)
			await admin.alterConfigs({
				validateOnly: false,
				resources: [{ type: topicResource, name, configEntries: entriesOf(config) }],
			});
	});
}

async function createTopics(admin: Admin, wanted: TopicPlan['create']): Promise<void> {
	try {
		await admin.createTopics({
			// kafkajs's own wait fails on a broker that does not know the topic yet.
			waitForLeaders: false,
			topics: wanted.map(({ name, partitions, replicationFactor, config }) => ({
				topic: name,
				numPartitions: partitions,
				replicationFactor,
				configEntries: entriesOf(config),
			})),
		});
	} catch (error) {
		// The answer of a broker that has not heard yet of what the controller made.
		if (cluesOf(error).type !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
	}
}

const awaitMsMax = 30_000;

/** Until every partition has a leader. */
async function awaitTopic(admin: Admin, name: string): Promise<void> {
	for (const end = Date.now() + awaitMsMax; ; ) {
		try {
			const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
			if (topics[0]?.partitions.every((p) => p.leader >= 0)) return;
		} catch (error) {
			if (toStreamError(name, error).code === 'refused') throw error;
		}
		if (Date.now() > end) throw new StreamError('unavailable', `${name}: created, and not led after ${awaitMsMax} ms`);
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}

const entriesOf = (config: ReadonlyMap<string, string>): { name: string; value: string }[] =>
	[...config].map(([name, value]) => ({ name, value }));

export async function withAdmin<T>(
	connection: KafkaConnection,
	doing: string,
	body: (admin: Admin) => Promise<T>,
): Promise<T> {
	const sockets = createSockets();
	const admin = createClient(connection, sockets).admin();
	try {
		await admin.connect();
		return await body(admin);
	} catch (error) {
		throw toStreamError(doing, error);
	} finally {
		await admin.disconnect().catch(() => {});
		sockets.destroy();
	}
}
