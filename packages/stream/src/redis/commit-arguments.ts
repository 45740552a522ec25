// A commit as the script's arguments (scripts.ts). A value that is both kept in a list and published is sent once.
import { StreamError } from '../errors.ts';
import type { Commit } from '../ports.ts';
import { encodeName, listKey, type ScopeKeys } from './keys.ts';
import { encodeEntryHeader } from './outbox-entry.ts';
import { pack } from './pack.ts';

export interface CommitLimits {
	listBytesMax: number;
	retentionMs: number;
	commitBytesMax: number;
}

export type Argument = string | number | Buffer;

export interface CommitArguments {
	/** For EVALSHA: number of keys, keys, arguments. */
	values: Argument[];
	/** Names of the lists, in the order in which the script numbers them from 1. */
	lists: readonly string[];
}

/** Throws StreamError('commit-too-large') for a commit over its bound. */
export function commitArguments(
	keys: ScopeKeys,
	commit: Commit,
	version: string,
	forgetOutboxId: number,
	limits: CommitLimits,
): CommitArguments {
	const set: Argument[] = [];
	const removed: Argument[] = [];
	for (const [name, value] of commit.cells) {
		if (value === null) removed.push(nameArgument(name));
		else set.push(nameArgument(name), bufferOf(value));
	}
	const values = distinctValues();
	const lists = new Map<string, number[]>();
	for (const { list, value } of commit.appends) plan(lists, list).push(values.numberOf(value));
	for (const { list, afterMs } of commit.expireLists ?? []) plan(lists, list)[0] = lifetimeMs(afterMs);
	const headers: Argument[] = [];
	const valuesOfEntries: number[] = [];
	for (const entry of commit.outbox) {
		headers.push(encodeEntryHeader(entry));
		valuesOfEntries.push(values.numberOf(entry.value));
	}
	const names = [...lists.keys()];
	const list: Argument[] = [
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
		pack([set.length / 2, removed.length, [...lists.values()], valuesOfEntries]),
	];
	return { values: bounded(list.concat(set, removed, headers, values.all), limits), lists: names };
}

/** Of one command; the server takes a million. */
const argumentsMax = 500_000;

function bounded(values: Argument[], { commitBytesMax }: CommitLimits): Argument[] {
	let bytes = 0;
	for (const value of values) bytes += typeof value === 'number' ? 16 : value.length;
	if (bytes > commitBytesMax)
		throw new StreamError(
			'commit-too-large',
			`redis: a commit of ${bytes} bytes is over commitBytesMax, ${commitBytesMax}`,
		);
	if (values.length > argumentsMax)
		throw new StreamError(
			'commit-too-large',
			`redis: a commit of ${values.length} parts is over the most, ${argumentsMax}`,
		);
	return values;
}

/** The server refuses a time beyond its clock's range, and that in the middle of a script. */
export const lifetimeMsMax = 10 * 365 * 24 * 3600 * 1000;

function lifetimeMs(afterMs: number): number {
	if (!(afterMs >= 0)) throw new RangeError(`expireLists.afterMs: ${afterMs}: expected 0 or more`);
	return Math.min(Math.ceil(afterMs), lifetimeMsMax);
}

const nameArgument = (name: string): string | Buffer => (name.isWellFormed() ? name : encodeName(name));

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
function distinctValues(): { all: Buffer[]; numberOf: (value: Uint8Array) => number } {
	const all: Buffer[] = [];
	const byLength = new Map<number, number[]>();
	return {
		all,
		numberOf: (value) => {
			const candidates = byLength.get(value.byteLength);
			if (candidates)
				for (let i = candidates.length - 1; i >= Math.max(0, candidates.length - candidatesMax); i--) {
					const number = candidates[i] as number;
					const known = all[number - 1] as Buffer;
					if (known.equals(value)) return number;
				}
			all.push(bufferOf(value));
			if (candidates) candidates.push(all.length);
			else byLength.set(value.byteLength, [all.length]);
			return all.length;
		},
	};
}

/** The client library writes a Buffer's bytes, and a plain Uint8Array's digits. */
const bufferOf = (value: Uint8Array): Buffer =>
	Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
