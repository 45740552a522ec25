// The session store in memory, for the simulator and for tests.
import { StreamError } from '../errors.ts';
import type { Commit, CommitResult, Scope, Store, StoredState } from '../ports.ts';

interface MemoryScope {
	offset: number;
	lowWaterOffset: number;
	lastOutbox: number;
	cells: Map<string, Uint8Array>;
	outbox: StoredState['outbox'];
	lists: Map<string, Uint8Array[]>;
}

/** Opaque. */
export interface StoreSnapshot {
	readonly scopes: ReadonlyMap<string, MemoryScope>;
}

export interface MemoryStore extends Store {
	snapshot(): StoreSnapshot;
	restore(snapshot: StoreSnapshot): void;
	/** Forgets everything: a lost store. */
	clear(): void;
}

const idOf = (scope: Scope): string => `${scope.partition}/${scope.stage}`;

export function createMemoryStore(): MemoryStore {
	let scopes = new Map<string, MemoryScope>();
	let open = true;
	const of = (scope: Scope): MemoryScope | undefined => {
		if (!open) throw new StreamError('closed', 'memory store: closed');
		return scopes.get(idOf(scope));
	};
	return {
		load: async (scope) => {
			const found = of(scope);
			if (!found) return { offset: 0, lowWaterOffset: 0, cells: new Map(), outbox: [], fresh: true };
			const { offset, lowWaterOffset, cells, outbox } = found;
			return { offset, lowWaterOffset, cells: new Map(cells), outbox: [...outbox], fresh: false };
		},
		commit: async (scope, commit) => {
			const found = of(scope) ?? emptyScope();
			const result = applyCommit(found, commit);
			if (result.kind === 'committed') scopes.set(idOf(scope), found);
			return result;
		},
		published: async (scope, id, atOffset) => {
			const found = of(scope);
			if (found?.offset === atOffset) found.outbox = found.outbox.filter((entry) => entry.id > id);
		},
		lastOutboxId: async (scope) => of(scope)?.lastOutbox ?? 0,
		list: async function* (scope, name) {
			// The array as it is now: a list that is dropped and begun again is another array.
			const values = of(scope)?.lists.get(name) ?? [];
			for (let i = 0; i < values.length; i++) yield values[i] as Uint8Array;
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
	lowWaterOffset: 0,
	lastOutbox: 0,
	cells: new Map(),
	outbox: [],
	lists: new Map(),
});

function applyCommit(scope: MemoryScope, commit: Commit): CommitResult {
	if (scope.offset !== commit.expectedOffset) return { kind: 'fenced', storedOffset: scope.offset };
	for (const [name, value] of commit.cells) {
		if (value === null) scope.cells.delete(name);
		else scope.cells.set(name, new Uint8Array(value));
	}
	for (const { list, value } of commit.appends) {
		const values = scope.lists.get(list);
		if (values) values.push(new Uint8Array(value));
		else scope.lists.set(list, [new Uint8Array(value)]);
	}
	for (const list of commit.dropLists ?? []) scope.lists.delete(list);
	for (const record of commit.outbox) {
		scope.lastOutbox += 1;
		scope.outbox.push({ ...record, value: new Uint8Array(record.value), id: scope.lastOutbox });
	}
	scope.offset = commit.nextOffset;
	scope.lowWaterOffset = commit.lowWaterOffset;
	return { kind: 'committed' };
}

const copyScopes = (scopes: ReadonlyMap<string, MemoryScope>): Map<string, MemoryScope> =>
	new Map(
		[...scopes].map(([id, s]) => [
			id,
			{
				...s,
				cells: new Map(s.cells),
				outbox: [...s.outbox],
				lists: new Map([...s.lists].map(([name, values]) => [name, [...values]])),
			},
		]),
	);
