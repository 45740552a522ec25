// Low waters: what a stage must read again if its store is lost, as its group's committed offsets. A lower bound only, so it may
// be written late: buffered, and committed once in a while and at the end.
import { StreamError } from '../errors.ts';
import type { Emit } from '../internal-event.ts';
import { type ClusterHandle, coordinatorOf } from './cluster.ts';
import { cluesOf } from './errors.ts';
import type { Place } from './reader.ts';

export interface Offset {
	place: Place;
	offset: number;
}

/** Commits in the name of a member of the group; rejects while it has no membership. */
export type MemberCommit = (offsets: readonly Offset[]) => Promise<void>;

export interface LowWaters {
	save(group: string, place: Place, offset: number): void;
	/** 0 when none was saved. What was saved here and is not committed yet counts. */
	get(group: string, place: Place): Promise<number>;
	/** A group with members takes offsets from them only. */
	attach(group: string, commit: MemberCommit): void;
	detach(group: string): void;
	/** Commits what is buffered; what fails stays for the next time. */
	flush(group?: string): Promise<void>;
	close(): Promise<void>;
}

export function createLowWaters(handle: ClusterHandle, options: { lowWaterMs: number; emit: Emit }): LowWaters {
	const pending = new Map<string, Map<string, Offset>>();
	const members = new Map<string, MemberCommit>();
	let timer: NodeJS.Timeout | null = null;
	let closed = false;

	const flushGroup = async (group: string): Promise<void> => {
		const offsets = pending.get(group);
		if (!offsets || offsets.size === 0) return;
		const batch = [...offsets];
		const list = batch.map(([, offset]) => offset);
		const commit = members.get(group);
		try {
			await (commit ? commit(list) : commitAlone(handle, group, list));
			for (const [id, offset] of batch) if (offsets.get(id) === offset) offsets.delete(id);
		} catch (error) {
			options.emit({
				name: 'low_water_commits_delayed',
				stage: 'kafka',
				reason: cluesOf(error).type === 'REBALANCE_IN_PROGRESS' ? 'rebalance' : 'failed',
				intentional: true,
				message: 'low waters were not committed; they are tried again',
				detail: { group, error: cluesOf(error).message },
			});
		}
	};
	const flush = async (group?: string): Promise<void> => {
		await Promise.all((group === undefined ? [...pending.keys()] : [group]).map(flushGroup));
	};
	const schedule = (): void => {
		if (closed || timer !== null) return;
		timer = setTimeout(() => {
			timer = null;
			void flush().then(() => {
				for (const offsets of pending.values()) if (offsets.size > 0) schedule();
			});
		}, options.lowWaterMs);
	};

	return {
		save: (group, place, offset) => {
			let offsets = pending.get(group);
			if (!offsets) {
				offsets = new Map();
				pending.set(group, offsets);
			}
			offsets.set(`${place.name}/${place.partition}`, { place, offset });
			schedule();
		},
		get: async (group, place) => {
			const buffered = pending.get(group)?.get(`${place.name}/${place.partition}`)?.offset ?? 0;
			return Math.max(buffered, await committed(handle, group, place));
		},
		attach: (group, commit) => {
			members.set(group, commit);
		},
		detach: (group) => {
			members.delete(group);
		},
		flush,
		close: async () => {
			closed = true;
			if (timer !== null) clearTimeout(timer);
			await flush();
		},
	};
}

/** As a client of a group without members. */
async function commitAlone(handle: ClusterHandle, groupId: string, offsets: readonly Offset[]): Promise<void> {
	await handle.use(`group ${groupId}: committing low waters`, [], async (cluster) => {
		const coordinator = await coordinatorOf(cluster, groupId);
		await coordinator.offsetCommit({
			groupId,
			groupGenerationId: -1,
			memberId: '',
			topics: offsetTopics(offsets),
		});
	});
}

export function offsetTopics(offsets: readonly Offset[]): {
	topic: string;
	partitions: { partition: number; offset: string }[];
}[] {
	const topics = new Map<string, { partition: number; offset: string }[]>();
	for (const { place, offset } of offsets) {
		const partitions = topics.get(place.name) ?? [];
		topics.set(place.name, partitions);
		partitions.push({ partition: place.partition, offset: String(offset) });
	}
	return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
}

async function committed(handle: ClusterHandle, groupId: string, { name, partition }: Place): Promise<number> {
	return await handle.use(`group ${groupId}: low water of ${name}/${partition}`, [], async (cluster) => {
		const coordinator = await coordinatorOf(cluster, groupId);
		const { responses } = await coordinator.offsetFetch({
			groupId,
			topics: [{ topic: name, partitions: [{ partition, offset: '0' }] }],
		});
		const found = responses.find((r) => r.topic === name)?.partitions.find((p) => p.partition === partition);
		if (found === undefined)
			throw new StreamError('unavailable', `group ${groupId}: no answer for ${name}/${partition}`);
		// -1: nothing was committed, or it has expired.
		return Math.max(0, Number(found.offset));
	});
}
