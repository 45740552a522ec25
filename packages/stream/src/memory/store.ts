// The session store in memory, for the simulator and for tests.
import { randomUUID } from 'node:crypto';
import { StreamError } from '../errors.ts';
import type { Commit, CommitResult, Scope, Store, StoredState } from '../ports.ts';

export interface MemoryStoreOptions {
	/** Milliseconds since any fixed point; lists expire by it. Default: the machine's clock. */
	nowMs?: () => number;
	/** Bytes of a list beyond which its oldest values are spilled. Default: none are. */
	listBytesMax?: number;
}

interface MemoryList {
	/** Index of `values[0]`. */
	first: number;
	values: Uint8Array[];
	/** Infinity while it may not be forgotten. */
	expiresMs: number;
}

interface MemoryScope {
	offset: number;
	version: string;
	lowWaterOffset: number;
	lastOutbox: number;
	cells: Map<string, Uint8Array>;
	outbox: StoredState['outbox'];
	lists: Map<string, MemoryList>;
}

/** Opaque. */
export interface StoreSnapshot {
	readonly scopes: ReadonlyMap<string, MemoryScope>;
}

export interface MemoryStore extends Store {
	snapshot(): StoreSnapshot;
	/** A restored store gives out no version again that it gave out before. */
	restore(snapshot: StoreSnapshot): void;
	/** Forgets everything: a lost store. */
	clear(): void;
}

const idOf = (scope: Scope): string => `${scope.partition}/${scope.stage}`;

export function createMemoryStore(options: MemoryStoreOptions = {}): MemoryStore {
	const nowMs = options.nowMs ?? Date.now;
	const listBytesMax = options.listBytesMax ?? Number.POSITIVE_INFINITY;
	const epoch = randomUUID();
	let commits = 0;
	let scopes = new Map<string, MemoryScope>();
	let open = true;
	const of = (scope: Scope): MemoryScope | undefined => {
		if (!open) throw new StreamError('closed', 'memory store: closed');
		return scopes.get(idOf(scope));
	};
	const listOf = (scope: Scope, name: string): MemoryList | undefined => {
		const list = of(scope)?.lists.get(name);
		return list && list.expiresMs > nowMs() ? list : undefined;
	};
	return {
		load: async (scope) => {
			const found = of(scope);
			if (!found) return { offset: 0, version: '', lowWaterOffset: 0, cells: new Map(), outbox: [], fresh: true };
			const { offset, version, lowWaterOffset, cells, outbox } = found;
			return { offset, version, lowWaterOffset, cells: new Map(cells), outbox: [...outbox], fresh: false };
		},
		commit: async (scope, commit) => {
			const found = of(scope) ?? emptyScope();
			if (found.version !== commit.expectedVersion) return { kind: 'fenced', storedOffset: found.offset };
			commits += 1;
			scopes.set(idOf(scope), found);
			return applyCommit(found, commit, `${epoch}-${commits}`, nowMs(), listBytesMax);
		},
		published: async (scope, id, atVersion) => {
			const found = of(scope);
			if (found?.version === atVersion) found.outbox = found.outbox.filter((entry) => entry.id > id);
		},
		lastOutboxId: async (scope) => of(scope)?.lastOutbox ?? 0,
		list: async function* (scope, name, from = 0) {
			// The list as it is now: one that is dropped and begun again is another.
			const list = listOf(scope, name);
			if (!list) return;
			for (let index = from; index < list.first + list.values.length; index++) {
				const value = list.values[index - list.first];
				if (value) yield value;
			}
		},
		listExtent: async (scope, name) => {
			const list = listOf(scope, name);
			return list ? { first: list.first, end: list.first + list.values.length } : { first: 0, end: 0 };
		},
		close: async () => {
			open = false;
		},
		snapshot: () => ({ scopes: copyScopes(scopes) }),
		restore: (snapshot) => {
			scopes = copyScopes(snapshot.scopes);
		},
		clear: () => {
			scopes = new Map();
		},
	};
}

const emptyScope = (): MemoryScope => ({
	offset: 0,
	version: '',
	lowWaterOffset: 0,
	lastOutbox: 0,
	cells: new Map(),
	outbox: [],
	lists: new Map(),
});

function applyCommit(
	scope: MemoryScope,
	commit: Commit,
	version: string,
	nowMs: number,
	listBytesMax: number,
): CommitResult {
	for (const [name, value] of commit.cells) {
		if (value === null) scope.cells.delete(name);
		else scope.cells.set(name, new Uint8Array(value));
	}
	for (const [name, list] of scope.lists) if (list.expiresMs <= nowMs) scope.lists.delete(name);
	for (const name of new Set(commit.appends.map((append) => append.list))) spill(scope.lists.get(name), listBytesMax);
	for (const { list, value } of commit.appends) {
		const known = scope.lists.get(list);
		if (known) known.values.push(new Uint8Array(value));
		else scope.lists.set(list, { first: 0, values: [new Uint8Array(value)], expiresMs: Number.POSITIVE_INFINITY });
	}
	for (const { list, afterMs } of commit.expireLists ?? []) {
		const known = scope.lists.get(list);
		if (known) known.expiresMs = nowMs + afterMs;
		if (afterMs <= 0) scope.lists.delete(list);
	}
	for (const record of commit.outbox) {
		scope.lastOutbox += 1;
		scope.outbox.push({ ...record, value: new Uint8Array(record.value), id: scope.lastOutbox });
	}
	scope.offset = commit.nextOffset;
	scope.version = version;
	scope.lowWaterOffset = commit.lowWaterOffset;
	return { kind: 'committed', version };
}

/** Called before this commit's appends: what is forgotten was appended by an earlier one. */
function spill(list: MemoryList | undefined, bytesMax: number): void {
	if (!list) return;
	let bytes = 0;
	for (const value of list.values) bytes += value.byteLength;
	let count = 0;
	while (bytes > bytesMax && count < list.values.length) bytes -= (list.values[count++] as Uint8Array).byteLength;
	list.values = list.values.slice(count);
	list.first += count;
}

const copyScopes = (scopes: ReadonlyMap<string, MemoryScope>): Map<string, MemoryScope> =>
	new Map(
		[...scopes].map(([id, s]) => [
			id,
			{
				...s,
				cells: new Map(s.cells),
				outbox: [...s.outbox],
				lists: new Map([...s.lists].map(([name, list]) => [name, { ...list, values: [...list.values] }])),
			},
		]),
	);
