// A commit as the script's arguments (scripts.ts). A value that is both kept in a list and published is sent once.
import { StreamError } from '../errors.ts';
import type { Commit } from '../ports.ts';
import { encodeName, listKey, type ScopeKeys } from './keys.ts';
import { encodeEntryHeader } from './outbox-entry.ts';
import { type Packable, pack, sizeOf } from './pack.ts';

export interface CommitLimits {
	listBytesMax: number;
	retentionMs: number;
	commitBytesMax: number;
}

export interface CommitArguments {
	/** For EVALSHA: number of keys, keys, arguments. */
	values: (string | number | Buffer)[];
	/** Names of the lists, in the order in which the script numbers them from 1. */
	lists: readonly string[];
}

/** Throws StreamError('refused') for a commit over its bound. */
export function commitArguments(
	keys: ScopeKeys,
	commit: Commit,
	version: string,
	forgetOutboxId: number,
	limits: CommitLimits,
): CommitArguments {
	const set: Packable[] = [];
	const removed: Packable[] = [];
	for (const [name, value] of commit.cells) {
		if (value === null) removed.push(packName(name));
		else set.push(packName(name), value);
	}
	const values = distinctValues();
	const lists = new Map<string, number[]>();
	for (const { list, value } of commit.appends) plan(lists, list).push(values.numberOf(value));
	for (const { list, afterMs } of commit.expireLists ?? []) plan(lists, list)[0] = lifetimeMs(afterMs);
	const entries: Packable[] = [];
	for (const entry of commit.outbox) entries.push(encodeEntryHeader(entry), values.numberOf(entry.value));

	const content: Packable = [set, removed, values.all, [...lists.values()], entries];
	const bytes = sizeOf(content);
	if (bytes > limits.commitBytesMax)
		throw new StreamError(
			'refused',
			`redis: a commit of ${bytes} bytes is over commitBytesMax, ${limits.commitBytesMax}`,
		);
	const names = [...lists.keys()];
	return {
		values: [
			3 + names.length,
			keys.meta,
			keys.cells,
			keys.outbox,
			...names.map((name) => listKey(keys, name)),
			commit.expectedVersion,
			version,
			commit.nextOffset,
			commit.lowWaterOffset,
			forgetOutboxId,
			limits.listBytesMax,
			limits.retentionMs,
			pack(content),
		],
		lists: names,
	};
}

/** The server refuses a time beyond its clock's range, and that in the middle of a script. */
export const lifetimeMsMax = 10 * 365 * 24 * 3600 * 1000;

function lifetimeMs(afterMs: number): number {
	if (!(afterMs >= 0)) throw new RangeError(`expireLists.afterMs: ${afterMs}: expected 0 or more`);
	return Math.min(Math.ceil(afterMs), lifetimeMsMax);
}

const packName = (name: string): string | Uint8Array => (name.isWellFormed() ? name : encodeName(name));

/** The list's entry: milliseconds to its expiry (-1: none), then numbers of values. */
function plan(lists: Map<string, number[]>, list: string): number[] {
	const known = lists.get(list);
	if (known) return known;
	const made = [-1];
	lists.set(list, made);
	return made;
}

/** Values of one length that are compared with a new one of that length; beyond it a value is sent again. */
const candidatesMax = 4;

/** Numbers values from 1, equal bytes alike. */
function distinctValues(): { all: Uint8Array[]; numberOf: (value: Uint8Array) => number } {
	const all: Uint8Array[] = [];
	const byLength = new Map<number, number[]>();
	return {
		all,
		numberOf: (value) => {
			const candidates = byLength.get(value.byteLength);
			if (candidates)
				for (let i = candidates.length - 1; i >= Math.max(0, candidates.length - candidatesMax); i--) {
					const number = candidates[i] as number;
					const known = all[number - 1] as Uint8Array;
					if (known === value || Buffer.compare(known, value) === 0) return number;
				}
			all.push(value);
			if (candidates) candidates.push(all.length);
			else byLength.set(value.byteLength, [all.length]);
			return all.length;
		},
	};
}
