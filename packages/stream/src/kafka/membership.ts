// Membership in a stage's consumer group, and nothing else: kafkajs's consumer joins, says that it lives and hears what is its own;
// every partition of it stays paused, since the log reads by itself. A consumer that fails is replaced, for ever.
import kafkajs, { type Consumer, type Kafka, type PartitionAssigner } from 'kafkajs';
import { StreamError } from '../errors.ts';
import type { Member } from '../ports.ts';
import { assignPartitions, decodeOwned, encodeOwned } from './assigner.ts';
import { cluesOf, toStreamError } from './errors.ts';
import type { MemberCommit, Offset } from './low-water.ts';
import type { ResolvedKafkaOptions } from './options.ts';

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;

export interface GroupMember extends Member {
	commit: MemberCommit;
	/** Time since the coordinator last answered, milliseconds. */
	silentMs(): number;
}

export type MembershipOptions = Pick<ResolvedKafkaOptions, 'sessionTimeoutMs' | 'heartbeatMs' | 'emit'>;

/** Longer than any stage's round under way may hold up its answer to a rebalance. */
const rebalanceTimeoutMs = 30_000;
const restartMsMax = 5_000;
const leaveMsMax = 5_000;

interface State {
	consumer: Consumer | null;
	assigned: readonly number[];
	/** What `onAssigned` was told last. */
	told: readonly number[];
	heardAt: number;
	failures: number;
	left: boolean;
}

/** Rejects when the group refuses this principal; a broker that is away is waited for in the background. */
export async function joinGroup(
	kafka: Kafka,
	group: { groupId: string; stage: string; topicName: string },
	onAssigned: (partitions: readonly number[]) => void,
	options: MembershipOptions,
): Promise<GroupMember> {
	const state: State = { consumer: null, assigned: [], told: [], heardAt: Date.now(), failures: 0, left: false };
	let timer: NodeJS.Timeout | null = null;
	const first = Promise.withResolvers<void>();

	const tell = (partitions: readonly number[]): void => {
		if (partitions.length === state.told.length && partitions.every((p, i) => p === state.told[i])) return;
		state.told = partitions;
		onAssigned(partitions);
	};
	const heard = (): void => {
		state.heardAt = Date.now();
		if (!state.left) tell(state.assigned);
	};
	const restart = (failed: Consumer, error: unknown): void => {
		if (state.left || state.consumer !== failed) return;
		state.consumer = null;
		state.assigned = [];
		tell([]);
		void disconnect(failed);
		const failure = toStreamError(`group ${group.groupId}`, error);
		if (failure.code === 'refused') first.reject(failure);
		else first.resolve();
		options.emit({
			name: 'group_memberships_lost',
			stage: group.stage,
			reason: failure.code,
			intentional: false,
			message: 'the membership in the consumer group was lost; it is joined again',
			detail: { group: group.groupId, error: cluesOf(error).message },
		});
		timer = setTimeout(start, Math.min(restartMsMax, 100 * 2 ** Math.min(state.failures, 10)));
		state.failures += 1;
	};
	const start = (): void => {
		if (state.left) return;
		state.heardAt = Date.now();
		const consumer = createConsumer(kafka, group, options, () => state.assigned);
		state.consumer = consumer;
		consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
			if (state.consumer !== consumer) return;
			consumer.pause([{ topic: group.topicName }]);
			state.failures = 0;
			state.assigned = [...(payload.memberAssignment[group.topicName] ?? [])].sort((a, b) => a - b);
			heard();
			first.resolve();
		});
		consumer.on(consumer.events.HEARTBEAT, () => {
			if (state.consumer === consumer) heard();
		});
		consumer.on(consumer.events.CRASH, ({ payload }) => restart(consumer, payload.error));
		void run(consumer, group.topicName).catch((error: unknown) => restart(consumer, error));
	};
	const watch = setInterval(
		() => {
			const silentMs = Date.now() - state.heardAt;
			// The coordinator has given our partitions to others by now, whether we have heard of it or not.
			if (silentMs > options.sessionTimeoutMs) tell([]);
			if (state.consumer && silentMs > options.sessionTimeoutMs + 2 * rebalanceTimeoutMs)
				restart(state.consumer, new StreamError('unavailable', `no answer for ${silentMs} ms`));
		},
		Math.min(1_000, options.sessionTimeoutMs / 4),
	);
	const stop = (): Consumer | null => {
		state.left = true;
		clearInterval(watch);
		if (timer !== null) clearTimeout(timer);
		const last = state.consumer;
		state.consumer = null;
		return last;
	};

	start();
	try {
		await first.promise;
	} catch (error) {
		stop();
		throw error;
	}
	return {
		commit: async (offsets) => await commitAs(state, group.groupId, offsets),
		silentMs: () => Date.now() - state.heardAt,
		leave: async () => {
			const last = stop();
			if (last) await disconnect(last);
		},
	};
}

async function run(consumer: Consumer, topicName: string): Promise<void> {
	await consumer.connect();
	await consumer.subscribe({ topics: [topicName], fromBeginning: true });
	await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async () => {} });
}

function createConsumer(
	kafka: Kafka,
	{ groupId }: { groupId: string },
	options: MembershipOptions,
	owned: () => readonly number[],
): Consumer {
	return kafka.consumer({
		groupId,
		sessionTimeout: options.sessionTimeoutMs,
		rebalanceTimeout: rebalanceTimeoutMs,
		heartbeatInterval: options.heartbeatMs,
		// With everything paused this is the pause between two looks at whether a heartbeat is due.
		maxWaitTimeInMs: Math.ceil(options.heartbeatMs / 2),
		allowAutoTopicCreation: false,
		readUncommitted: true,
		partitionAssigners: [stickyAssigner(owned)],
		retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 1_000, restartOnFailure: async () => false },
	});
}

const assignerVersion = 0;

function stickyAssigner(owned: () => readonly number[]): PartitionAssigner {
	return ({ cluster }) => ({
		name: 'affidavit-sticky',
		version: assignerVersion,
		protocol: ({ topics }) => ({
			name: 'affidavit-sticky',
			metadata: MemberMetadata.encode({ version: assignerVersion, topics, userData: encodeOwned(owned()) }),
		}),
		assign: async ({ members, topics }) => {
			const assigning = members.map(({ memberId, memberMetadata }) => ({
				memberId,
				owned: decodeOwned(MemberMetadata.decode(memberMetadata)?.userData ?? Buffer.alloc(0)),
			}));
			const assignments = new Map(assigning.map(({ memberId }) => [memberId, {} as Record<string, number[]>]));
			for (const topic of topics)
				for (const [memberId, share] of assignPartitions(assigning, cluster.findTopicPartitionMetadata(topic).length))
					(assignments.get(memberId) as Record<string, number[]>)[topic] = share;
			return [...assignments].map(([memberId, assignment]) => ({
				memberId,
				memberAssignment: MemberAssignment.encode({
					version: assignerVersion,
					assignment,
					userData: Buffer.alloc(0),
				}),
			}));
		},
	});
}

async function commitAs(state: State, groupId: string, offsets: readonly Offset[]): Promise<void> {
	const { consumer } = state;
	if (consumer === null) throw new StreamError('unavailable', `group ${groupId}: not a member at the moment`);
	await consumer.commitOffsets(
		offsets.map(({ place, offset }) => ({ topic: place.name, partition: place.partition, offset: String(offset) })),
	);
}

async function disconnect(consumer: Consumer): Promise<void> {
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<void>((resolve) => {
		timer = setTimeout(resolve, leaveMsMax);
	});
	await Promise.race([consumer.disconnect().catch(() => {}), late]);
	clearTimeout(timer);
}
