// Connections for what the client's consumer does not offer: a read at an offset of our choice, and offsets by group and time.
// kafkajs hands its Cluster to partition assigners (documented, typed); a consumer that never joins is a way to have one.
// One rule for everything that may go wrong with it: it is thrown away, and the next use makes a new one.
import type { Broker, Cluster, Kafka } from 'kafkajs';
import { StreamError } from '../errors.ts';
import { backoffMs } from '../runner/wait.ts';
import { cluesOf, toStreamError } from './errors.ts';

export interface ClusterHandle {
	/**
	 * Runs `body` on a connected cluster that knows `topics`. Rejects with a StreamError; the connections are dropped when the
	 * failure may lie in them.
	 */
	use<T>(doing: string, topics: readonly string[], body: (cluster: Cluster) => Promise<T>): Promise<T>;
	/** Drops connections that were not used for `idleMs`. */
	sweep(idleMs: number): void;
	close(): Promise<void>;
}

/** Kept across failures so that an away broker is not asked in a loop. */
const retryWaitMsMax = 2_000;

export function createClusterHandle(kafka: Kafka, purpose: string): ClusterHandle {
	let current: Promise<Cluster> | null = null;
	let closed = false;
	let failures = 0;
	let notBefore = 0;
	let users = 0;
	let usedAt = Date.now();

	const connect = async (): Promise<Cluster> => {
		const wait = notBefore - Date.now();
		if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
		const cluster = captureCluster(kafka, purpose);
		try {
			await cluster.connect();
			return cluster;
		} catch (error) {
			await dropCluster(cluster);
			throw error;
		}
	};
	const discard = (failed: Promise<Cluster> | null): void => {
		if (failed === null || current !== failed) return;
		current = null;
		notBefore = Date.now() + Math.min(retryWaitMsMax, backoffMs(failures) * 4);
		failures += 1;
		void failed.then(dropCluster, () => {});
	};

	return {
		use: async (doing, topics, body) => {
			if (closed) throw new StreamError('closed', `${doing}: the log is closed`);
			current ??= connect();
			const mine = current;
			users += 1;
			try {
				const cluster = await mine;
				if (topics.length > 0) await cluster.addMultipleTargetTopics([...topics]);
				const result = await body(cluster);
				failures = 0;
				return result;
			} catch (error) {
				if (mayLieInConnection(error)) discard(mine);
				if (closed) throw new StreamError('closed', `${doing}: the log was closed`, error);
				throw toStreamError(doing, error);
			} finally {
				users -= 1;
				usedAt = Date.now();
			}
		},
		sweep: (idleMs) => {
			if (users > 0 || current === null || Date.now() - usedAt < idleMs) return;
			const idle = current;
			current = null;
			void idle.then(dropCluster, () => {});
		},
		close: async () => {
			closed = true;
			const last = current;
			current = null;
			if (last) await last.then(dropCluster, () => {});
		},
	};
}

/** What Kafka itself answered of a topic or a group says nothing against the connection. */
const soundAnswers: ReadonlySet<string> = new Set([
	'OFFSET_OUT_OF_RANGE',
	'UNKNOWN_TOPIC_OR_PARTITION',
	'TOPIC_AUTHORIZATION_FAILED',
	'GROUP_AUTHORIZATION_FAILED',
	'UNKNOWN_MEMBER_ID',
	'ILLEGAL_GENERATION',
	'REBALANCE_IN_PROGRESS',
]);

function mayLieInConnection(error: unknown): boolean {
	if (error instanceof StreamError) return false;
	return !soundAnswers.has(cluesOf(error).type);
}

function captureCluster(kafka: Kafka, purpose: string): Cluster {
	let captured: Cluster | undefined;
	kafka.consumer({
		groupId: `affidavit-${purpose}`,
		allowAutoTopicCreation: false,
		readUncommitted: true,
		partitionAssigners: [
			({ cluster }) => {
				captured = cluster;
				return {
					name: purpose,
					version: 0,
					assign: async () => [],
					protocol: () => ({ name: purpose, metadata: none }),
				};
			},
		],
	});
	if (captured === undefined) throw new Error('kafkajs gave no cluster to the partition assigner');
	return captured;
}

const none = Buffer.alloc(0);
const dropWaitMsMax = 2_000;

/** kafkajs waits for requests under way; a broker that is gone would hold us. */
async function dropCluster(cluster: Cluster): Promise<void> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<void>((resolve) => {
		timer = setTimeout(resolve, dropWaitMsMax);
	});
	await Promise.race([cluster.disconnect().catch(() => {}), late]);
	clearTimeout(timer);
}

export async function leaderOf(cluster: Cluster, topic: string, partition: number): Promise<Broker> {
	const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
	if (nodeId === undefined) throw new StreamError('unavailable', `${topic}/${partition}: no leader is known`);
	return await cluster.findBroker({ nodeId });
}

/** kafkajs keeps to itself why no broker names a coordinator; one broker is asked again, for its reason. */
export async function coordinatorOf(cluster: Cluster, groupId: string): Promise<Broker> {
	try {
		return await cluster.findGroupCoordinator({ groupId });
	} catch (error) {
		const [nodeId] = cluster.getNodeIds();
		if (cluesOf(error).name !== 'KafkaJSGroupCoordinatorNotFound' || nodeId === undefined) throw error;
		const broker = (await cluster.findBroker({ nodeId: String(nodeId) })) as Broker & {
			findGroupCoordinator?: (request: { groupId: string; coordinatorType: number }) => Promise<unknown>;
		};
		await broker.findGroupCoordinator?.({ groupId, coordinatorType: 0 });
		throw error;
	}
}
