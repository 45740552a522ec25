// The Log and Membership ports on Kafka. Each part lives in its own file; here they are put together.
import type { Cluster } from 'kafkajs';
import { StreamError } from '../errors.ts';
import { partitionOf } from '../partition.ts';
import type { Log, Membership, Topic } from '../ports.ts';
import { topics } from '../topics.ts';
import { createClient } from './client.ts';
import { type ClusterHandle, coordinatorOf, createClusterHandle } from './cluster.ts';
import { registerCodecs } from './codecs.ts';
import { type Cursors, createCursors } from './cursors.ts';
import { createLiveFetches, type LiveFetches } from './live.ts';
import { createLowWaters } from './low-water.ts';
import { type GroupMember, joinGroup } from './membership.ts';
import { type KafkaLogOptions, type ResolvedKafkaOptions, resolveOptions } from './options.ts';
import { createAppender, type Outgoing } from './producer.ts';
import { createReader, type Place } from './reader.ts';
import { createSockets } from './sockets.ts';
import { toMessage } from './wire.ts';

export interface KafkaLogStats {
	/** Records whose append is under way. */
	appending: number;
	/** Bytes of values read ahead. */
	readAheadBytes: number;
	/** Time since a broker last answered a live fetch, milliseconds; 0 when nobody waits for input. */
	silentMs: number;
}

export interface KafkaLog extends Log, Membership {
	/** Resolves when the brokers answer and every membership is alive; rejects with a StreamError that says what is not. */
	check(): Promise<void>;
	stats(): KafkaLogStats;
	/** The partition's end as the last fetch told it, without asking; null when this process has not read it lately. */
	knownEnd(topic: Topic, partition: number): number | null;
}

const maintenanceMs = 10_000;
const readerIdleMsMax = 60_000;

/** Rejects with `unavailable` when no broker answers, with `topic-unfit` or `refused` for one of `options.topics`. */
export async function openKafkaLog(given: KafkaLogOptions): Promise<KafkaLog> {
	const options = resolveOptions(given);
	registerCodecs({ level: options.compressionLevel, batchBytesMax: options.batchBytesMax });
	const sockets = createSockets();
	const kafka = createClient(options, sockets);
	const handle = createClusterHandle(kafka, 'reader');
	const liveHandle = createClusterHandle(kafka, 'live');
	const catalog = createCatalog(handle, options);
	try {
		await handle.use('connecting', [], async () => {});
		await catalog.open();
	} catch (error) {
		await handle.close();
		sockets.destroy();
		throw error;
	}

	const reader = createReader(handle, options);
	let live: LiveFetches | undefined;
	const cursors = createCursors(reader, {
		bufferBytesMax: options.bufferBytesMax,
		onLive: () => live?.kick(),
		now: Date.now,
	});
	live = createLiveFetches(liveHandle, cursors, options);
	const appender = createAppender(kafka, options, (name, partition, end) =>
		cursors.reaches({ topic: catalog.topicOf(name), name, partition }, end),
	);
	const lowWaters = createLowWaters(handle, options);
	const members = new Set<GroupMember>();
	const maintenance = setInterval(() => {
		handle.sweep(readerIdleMsMax);
		cursors.hungry(Date.now());
	}, maintenanceMs).unref();
	let closed = false;

	const place = async (topic: Topic, partition: number): Promise<Place> => {
		if (closed) throw new StreamError('closed', 'kafka log: closed');
		const count = await catalog.find(topic);
		if (!Number.isInteger(partition) || partition < 0 || partition >= count)
			throw new RangeError(`${topic}/${partition}: the topic has ${count} partitions`);
		return { topic, name: catalog.nameOf(topic), partition };
	};
	const groupOf = (stage: string): string => options.topicPrefix + stage;

	return {
		partitions: catalog.count,
		append: async (records) => {
			if (closed) throw new StreamError('closed', 'kafka log: closed');
			const outgoing: Outgoing[] = [];
			for (const record of records) {
				const count = catalog.known(record.topic) ?? (await catalog.find(record.topic));
				const message = toMessage(record, partitionOf(record.key, count), options.frames);
				outgoing.push({ name: catalog.nameOf(record.topic), bytes: message.value.byteLength, message });
			}
			await appender.append(outgoing);
		},
		read: async (topic, partition, offset, max) => await cursors.read(await place(topic, partition), offset, max),
		bounds: async (topic, partition) => {
			const at = await place(topic, partition);
			const bounds = await reader.bounds(at);
			cursors.reaches(at, bounds.end);
			return bounds;
		},
		offsetAt: async (topic, partition, timeUs) =>
			await reader.offsetAt(await place(topic, partition), Math.ceil(timeUs / 1000)),
		waitForRecord: async (topic, partition, offset, signal) =>
			await waitPatiently(cursors, await place(topic, partition), offset, signal),
		saveLowWater: async (stage, topic, partition, offset) =>
			lowWaters.save(groupOf(stage), await place(topic, partition), offset),
		lowWater: async (stage, topic, partition) => await lowWaters.get(groupOf(stage), await place(topic, partition)),
		join: async (stage, topic, onAssigned) => {
			await place(topic, 0);
			const groupId = groupOf(stage);
			const group = { groupId, stage, topicName: catalog.nameOf(topic) };
			await refuseGroup(handle, groupId);
			const member = await joinGroup(kafka, group, onAssigned, options);
			members.add(member);
			lowWaters.attach(groupId, member.commit);
			return {
				leave: async () => {
					if (!members.delete(member)) return;
					await lowWaters.flush(groupId);
					lowWaters.detach(groupId);
					await member.leave();
				},
			};
		},
		check: async () => {
			await handle.use('checking', [], async (cluster) => await cluster.refreshMetadata());
			for (const member of members)
				if (member.silentMs() > options.sessionTimeoutMs)
					throw new StreamError('unavailable', `no membership in a consumer group for ${member.silentMs()} ms`);
		},
		stats: () => ({
			appending: appender.waiting(),
			readAheadBytes: cursors.readAheadBytes(),
			silentMs: live?.silentMs() ?? 0,
		}),
		knownEnd: (topic, partition) => cursors.knownEnd({ topic, name: catalog.nameOf(topic), partition }),
		close: async () => {
			if (closed) return;
			closed = true;
			clearInterval(maintenance);
			live?.close();
			cursors.wakeAll();
			await lowWaters.close();
			await Promise.all([...members].map((member) => member.leave()));
			await appender.close();
			await Promise.all([handle.close(), liveHandle.close()]);
			sockets.destroy();
		},
	};
}

/** Rejects when this principal may not use the group; what else fails is the membership's to wait for. */
async function refuseGroup(handle: ClusterHandle, groupId: string): Promise<void> {
	try {
		await handle.use(`group ${groupId}`, [], async (cluster) => await coordinatorOf(cluster, groupId));
	} catch (error) {
		if (error instanceof StreamError && error.code !== 'unavailable') throw error;
	}
}

/** An away broker is waited for like a record: the live fetches go on trying. */
async function waitPatiently(cursors: Cursors, place: Place, offset: number, signal: AbortSignal): Promise<void> {
	for (;;) {
		try {
			return await cursors.wait(place, offset, signal);
		} catch (error) {
			if (!(error instanceof StreamError && error.code === 'unavailable')) throw error;
			if (signal.aborted) return;
		}
	}
}

interface Catalog {
	/** Looks up what is there. Rejects for a topic that the options ask for. */
	open: () => Promise<void>;
	/** Throws the StreamError with which looking the topic up has failed. */
	count: (topic: Topic) => number;
	known: (topic: Topic) => number | undefined;
	/** Partitions of the topic; asked for once, since keys would change place if their number did. */
	find: (topic: Topic) => Promise<number>;
	nameOf: (topic: Topic) => string;
	topicOf: (name: string) => Topic;
}

function createCatalog(handle: ClusterHandle, options: ResolvedKafkaOptions): Catalog {
	const counts = new Map<Topic, number>();
	const failures = new Map<Topic, StreamError>();
	const nameOf = (topic: Topic): string => options.topicPrefix + topic;
	const find = async (topic: Topic): Promise<number> => {
		const known = counts.get(topic);
		if (known !== undefined) return known;
		const name = nameOf(topic);
		const count = await handle.use(`topic ${name}`, [name], async (cluster) => partitionsOf(cluster, name));
		counts.set(topic, count);
		return count;
	};
	return {
		open: async () => {
			for (const topic of options.topics.length > 0 ? options.topics : topics)
				try {
					await find(topic);
				} catch (error) {
					if (!(error instanceof StreamError) || error.code === 'unavailable' || options.topics.length > 0) throw error;
					failures.set(topic, error);
				}
		},
		known: (topic) => counts.get(topic),
		count: (topic) => {
			const count = counts.get(topic);
			if (count !== undefined) return count;
			throw failures.get(topic) ?? new StreamError('topic-unfit', `${nameOf(topic)}: the log was opened without it`);
		},
		find,
		nameOf,
		topicOf: (name) => name.slice(options.topicPrefix.length) as Topic,
	};
}

function partitionsOf(cluster: Cluster, name: string): number {
	const count = cluster.findTopicPartitionMetadata(name).length;
	if (count === 0) throw new StreamError('topic-unfit', `${name}: the topic is not there`);
	return count;
}
