// Live input: one fetch per broker at a time, held there until there is something to give, for all partitions that somebody
// waits on. On connections of its own: a broker answers one connection's requests in order, and a held fetch would hold the rest.
import type { Cluster } from 'kafkajs';
import type { ClusterHandle } from './cluster.ts';
import type { Cursor } from './cursor.ts';
import type { Cursors } from './cursors.ts';
import { type Fetched, type FetchTarget, fetchFrom } from './fetch.ts';
import type { ResolvedKafkaOptions } from './options.ts';

export interface LiveFetches {
	/** Starts what is due; cheap to call. */
	kick(): void;
	/** Nothing was heard from a broker for so long, milliseconds; 0 when nobody waits. */
	silentMs(): number;
	close(): void;
}

const partitionBytesMax = 1024 ** 2;
const responseBytesMax = 16 * 1024 ** 2;
const emptyFetchesMax = 3;
const restMs = 1_000;
const retryMsMax = 2_000;

export function createLiveFetches(
	handle: ClusterHandle,
	cursors: Cursors,
	options: Pick<ResolvedKafkaOptions, 'frames' | 'batchBytesMax' | 'pollWaitMs' | 'pollGapMs' | 'emit'>,
): LiveFetches {
	const busy = new Set<string>();
	let timer: NodeJS.Timeout | null = null;
	let dueAt = 0;
	let planning = false;
	let closed = false;
	let failures = 0;
	let heardAt = Date.now();
	let notBefore = 0;

	/** The earliest call counts. */
	const later = (ms: number): void => {
		if (closed) return;
		const at = Math.max(Date.now() + ms, notBefore);
		if (timer !== null) {
			if (dueAt <= at) return;
			clearTimeout(timer);
		}
		dueAt = at;
		timer = setTimeout(() => {
			timer = null;
			void plan();
		}, at - Date.now());
	};
	const failed = (): void => {
		failures += 1;
		notBefore = Date.now() + Math.min(retryMsMax, 50 * 2 ** Math.min(failures, 6));
		later(0);
	};
	const plan = async (): Promise<void> => {
		if (closed || planning) return;
		const hungry = cursors.hungry(Date.now());
		if (hungry.length === 0) {
			// Cursors that rest or are full come back; nobody else kicks for them.
			later(options.pollWaitMs);
			return;
		}
		planning = true;
		try {
			const names = [...new Set(hungry.map((c) => c.place.name))];
			const groups = await handle.use('live fetch', names, async (cluster) => byLeader(cluster, hungry));
			for (const [nodeId, group] of groups) if (!busy.has(nodeId)) fetchNode(nodeId, group);
			later(options.pollWaitMs);
		} catch {
			// The handle's own warning tells of it; check() shows it.
			failed();
		} finally {
			planning = false;
		}
	};
	const fetchNode = (nodeId: string, group: readonly Cursor[]): void => {
		busy.add(nodeId);
		const under = fetchGroup(nodeId, group).then(
			() => {
				failures = 0;
				heardAt = Date.now();
				return true;
			},
			() => false,
		);
		const done = under.then(() => {
			for (const cursor of group) if (cursor.fetching === done) cursor.fetching = null;
		});
		for (const cursor of group) cursor.fetching = done;
		void under.then((ok) => {
			busy.delete(nodeId);
			if (ok) {
				notBefore = Date.now() + options.pollGapMs;
				later(0);
			} else failed();
		});
	};
	const fetchGroup = async (nodeId: string, group: readonly Cursor[]): Promise<void> => {
		const targets = group.map(targetOf);
		let fetched: Fetched[];
		try {
			fetched = await handle.use('live fetch', [], async (cluster) => {
				const broker = await cluster.findBroker({ nodeId });
				const { pollWaitMs: waitMs, batchBytesMax } = options;
				const limits = { waitMs, bytes: responseBytesMax, batchBytesMax };
				return await fetchFrom(broker, targets, limits, options.frames);
			});
		} catch (error) {
			await oneByOne(group, cursors, error);
			return;
		}
		for (let i = 0; i < group.length; i++) {
			const cursor = group[i] as Cursor;
			const target = targets[i];
			const found = fetched.find((f) => f.target === target);
			if (found && cursors.accept(cursor, found)) cursor.emptyFetches = isStuck(found) ? cursor.emptyFetches + 1 : 0;
			if (cursor.emptyFetches >= emptyFetchesMax) {
				cursor.emptyFetches = 0;
				cursor.fetching = null;
				await cursors.fill(cursor);
			}
		}
	};
	return {
		kick: () => later(0),
		silentMs: () => (closed || busy.size + failures === 0 ? 0 : Date.now() - heardAt),
		close: () => {
			closed = true;
			if (timer !== null) clearTimeout(timer);
		},
	};
}

const isStuck = (fetched: Fetched): boolean =>
	fetched.records.length === 0 && fetched.next === fetched.target.offset && fetched.end > fetched.next;

/** One partition's error fails the whole fetch: each is read alone, and who has nothing to give rests. */
async function oneByOne(group: readonly Cursor[], cursors: Cursors, error: unknown): Promise<void> {
	let read = 0;
	for (const cursor of group) {
		cursor.fetching = null;
		const before = cursor.position;
		try {
			await cursors.fill(cursor);
			read += 1;
			if (cursor.position === before) cursor.restUntilMs = Date.now() + restMs;
		} catch {
			cursor.restUntilMs = Date.now() + restMs;
		}
	}
	if (read === 0) throw error;
}

const targetOf = (cursor: Cursor): FetchTarget => ({
	...cursor.place,
	offset: cursor.position,
	bytes: partitionBytesMax,
});

function byLeader(cluster: Cluster, cursors: readonly Cursor[]): Map<string, Cursor[]> {
	const groups = new Map<string, Cursor[]>();
	for (const cursor of cursors) {
		const { name, partition } = cursor.place;
		const [nodeId] = Object.keys(cluster.findLeaderForPartitions(name, [partition]));
		// No leader now: the next round asks again.
		if (nodeId === undefined) continue;
		const group = groups.get(nodeId) ?? [];
		groups.set(nodeId, group);
		group.push(cursor);
	}
	return groups;
}
