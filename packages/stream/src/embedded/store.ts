// The embedded session store: state, fenced commits, outbox and lists in one SQLite file.
import type { StatementSync } from 'node:sqlite';
import type { Commit, CommitResult, Scope, Store, StoredState, Topic } from '../ports.ts';
import { type Durability, decodeName, encodeName, type OpenDatabase, openDatabase } from './sqlite.ts';

export interface EmbeddedStoreOptions {
	/** Holds store.db, store.db-wal and store.lock; may be the log's folder. */
	folder: string;
	/** Default `process`. */
	durability?: Durability;
	/** Bound of the file; commits beyond it reject with store-full. Default 16 GiB. */
	maxBytes?: number;
}

/** List values are read in pages of this many, so that a session of any size is read in bounded memory. */
const listPage = 4;

const schema = `
	CREATE TABLE scope (id INTEGER PRIMARY KEY, stage ANY NOT NULL, partition INTEGER NOT NULL, position INTEGER NOT NULL,
		low_water INTEGER NOT NULL, last_outbox INTEGER NOT NULL, UNIQUE (stage, partition)) STRICT;
	CREATE TABLE cell (id INTEGER PRIMARY KEY, scope INTEGER NOT NULL, name ANY NOT NULL, value BLOB NOT NULL,
		UNIQUE (scope, name)) STRICT;
	CREATE TABLE outbox (scope INTEGER NOT NULL, id INTEGER NOT NULL, topic TEXT NOT NULL, key ANY NOT NULL, value BLOB NOT NULL,
		origin_stage ANY NOT NULL, origin_partition INTEGER NOT NULL, origin_offset INTEGER NOT NULL,
		origin_index INTEGER NOT NULL, UNIQUE (scope, id)) STRICT;
	CREATE TABLE list (id INTEGER PRIMARY KEY AUTOINCREMENT, scope INTEGER NOT NULL, name ANY NOT NULL,
		length INTEGER NOT NULL, UNIQUE (scope, name)) STRICT;
	CREATE TABLE list_value (list INTEGER NOT NULL, position INTEGER NOT NULL, value BLOB NOT NULL,
		UNIQUE (list, position)) STRICT`;

/** Throws StreamError: store-locked when another process (or this one) has the folder open, store-corrupt. */
export function openEmbeddedStore(options: EmbeddedStoreOptions): Store {
	const database = openDatabase({
		folder: options.folder,
		name: 'store',
		durability: options.durability ?? 'process',
		fileBytesMax: options.maxBytes ?? 16 * 1024 ** 3,
		version: 1,
		schema,
		codes: { locked: 'store-locked', full: 'store-full', corrupt: 'store-corrupt' },
	});
	const sql = prepare(database);
	const scopeOf = (scope: Scope): ScopeRow | null => readScope(sql, scope);
	return {
		load: async (scope) => database.guard(() => load(sql, scopeOf(scope))),
		commit: async (scope, commit) => database.transact(() => applyCommit(sql, scope, scopeOf(scope), commit)),
		published: async (scope, id, atOffset) => {
			database.guard(() => {
				const row = scopeOf(scope);
				if (row && row.offset === atOffset) sql.forgetOutbox.run(row.id, id);
			});
		},
		lastOutboxId: async (scope) => database.guard(() => scopeOf(scope)?.lastOutbox ?? 0),
		list: (scope, list) => readList(database, sql, scope, list),
		close: async () => database.close(),
	};
}

type Sql = Record<
	| 'scope'
	| 'addScope'
	| 'advance'
	| 'cells'
	| 'setCell'
	| 'removeCell'
	| 'outbox'
	| 'addOutbox'
	| 'forgetOutbox'
	| 'extendList'
	| 'listId'
	| 'addValue'
	| 'values'
	| 'dropValues'
	| 'dropList',
	StatementSync
>;

function prepare({ db }: OpenDatabase): Sql {
	return {
		scope: db.prepare('SELECT id, position, low_water, last_outbox FROM scope WHERE stage = ? AND partition = ?'),
		addScope: db.prepare(
			'INSERT INTO scope (stage, partition, position, low_water, last_outbox) VALUES (?, ?, 0, 0, 0)',
		),
		advance: db.prepare('UPDATE scope SET position = ?, low_water = ?, last_outbox = ? WHERE id = ?'),
		cells: db.prepare('SELECT name, value FROM cell WHERE scope = ?'),
		setCell: db.prepare(
			'INSERT INTO cell (scope, name, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
		),
		removeCell: db.prepare('DELETE FROM cell WHERE scope = ? AND name = ?'),
		outbox: db.prepare('SELECT * FROM outbox WHERE scope = ? ORDER BY id'),
		addOutbox: db.prepare('INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'),
		forgetOutbox: db.prepare('DELETE FROM outbox WHERE scope = ? AND id <= ?'),
		extendList: db.prepare(
			'INSERT INTO list (scope, name, length) VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET length = length + 1 RETURNING id, length',
		),
		listId: db.prepare('SELECT id FROM list WHERE scope = ? AND name = ?'),
		addValue: db.prepare('INSERT INTO list_value VALUES (?, ?, ?)'),
		values: db.prepare(
			'SELECT position, value FROM list_value WHERE list = ? AND position > ? ORDER BY position LIMIT ?',
		),
		dropValues: db.prepare('DELETE FROM list_value WHERE list = ?'),
		dropList: db.prepare('DELETE FROM list WHERE id = ?'),
	};
}

interface ScopeRow {
	id: number;
	offset: number;
	lowWater: number;
	lastOutbox: number;
}

function readScope(sql: Sql, { stage, partition }: Scope): ScopeRow | null {
	const row = sql.scope.get(encodeName(stage), partition);
	if (!row) return null;
	return {
		id: row['id'] as number,
		offset: row['position'] as number,
		lowWater: row['low_water'] as number,
		lastOutbox: row['last_outbox'] as number,
	};
}

function load(sql: Sql, scope: ScopeRow | null): StoredState {
	if (!scope) return { offset: 0, lowWaterOffset: 0, cells: new Map(), outbox: [], fresh: true };
	const cells = new Map<string, Uint8Array>();
	for (const row of sql.cells.iterate(scope.id)) cells.set(decodeName(row['name']), row['value'] as Uint8Array);
	const outbox: StoredState['outbox'] = [];
	for (const row of sql.outbox.iterate(scope.id))
		outbox.push({
			id: row['id'] as number,
			topic: row['topic'] as Topic,
			key: decodeName(row['key']),
			value: row['value'] as Uint8Array,
			origin: {
				stage: decodeName(row['origin_stage']),
				partition: row['origin_partition'] as number,
				offset: row['origin_offset'] as number,
				index: row['origin_index'] as number,
			},
		});
	return { offset: scope.offset, lowWaterOffset: scope.lowWater, cells, outbox, fresh: false };
}

function applyCommit(sql: Sql, scope: Scope, row: ScopeRow | null, commit: Commit): CommitResult {
	const storedOffset = row?.offset ?? 0;
	if (storedOffset !== commit.expectedOffset) return { kind: 'fenced', storedOffset };
	const id = row?.id ?? Number(sql.addScope.run(encodeName(scope.stage), scope.partition).lastInsertRowid);
	for (const [name, value] of commit.cells) {
		if (value === null) sql.removeCell.run(id, encodeName(name));
		else sql.setCell.run(id, encodeName(name), value);
	}
	for (const { list, value } of commit.appends) {
		const extended = sql.extendList.get(id, encodeName(list));
		if (!extended) throw new Error('extendList returned no row');
		sql.addValue.run(extended['id'] as number, extended['length'] as number, value);
	}
	for (const name of commit.dropLists ?? []) {
		const list = sql.listId.get(id, encodeName(name));
		if (!list) continue;
		sql.dropValues.run(list['id'] as number);
		sql.dropList.run(list['id'] as number);
	}
	let lastOutbox = row?.lastOutbox ?? 0;
	for (const { topic, key, value, origin } of commit.outbox) {
		lastOutbox += 1;
		const { stage, partition, offset, index } = origin;
		sql.addOutbox.run(id, lastOutbox, topic, encodeName(key), value, encodeName(stage), partition, offset, index);
	}
	sql.advance.run(commit.nextOffset, commit.lowWaterOffset, lastOutbox, id);
	return { kind: 'committed' };
}

/** A list that is dropped while it is read ends there: list ids are never given out twice. */
async function* readList(database: OpenDatabase, sql: Sql, scope: Scope, name: string): AsyncGenerator<Uint8Array> {
	const list = database.guard(() => {
		const row = readScope(sql, scope);
		return row ? sql.listId.get(row.id, encodeName(name)) : undefined;
	});
	if (!list) return;
	let after = 0;
	for (;;) {
		const page = database.guard(() => sql.values.all(list['id'] as number, after, listPage));
		for (const row of page) {
			after = row['position'] as number;
			yield row['value'] as Uint8Array;
		}
		if (page.length < listPage) return;
	}
}
