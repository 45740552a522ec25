// The embedded session store: state, fenced commits, outbox and lists in one SQLite file.
import { randomUUID } from 'node:crypto';
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
	/** Milliseconds since 1970; lists expire by it. Default: the machine's clock. */
	nowMs?: () => number;
}

/** List values are read in pages of this many, so that a session of any size is read in bounded memory. */
const listPage = 4;
/** Values of expired lists that one commit forgets at most, beside its own work. */
const purgeValuesMax = 64;

const schema = `
	CREATE TABLE scope (id INTEGER PRIMARY KEY, stage ANY NOT NULL, partition INTEGER NOT NULL, position INTEGER NOT NULL,
		version TEXT NOT NULL, low_water INTEGER NOT NULL, last_outbox INTEGER NOT NULL, UNIQUE (stage, partition)) STRICT;
	CREATE TABLE cell (id INTEGER PRIMARY KEY, scope INTEGER NOT NULL, name ANY NOT NULL, value BLOB NOT NULL,
		UNIQUE (scope, name)) STRICT;
	CREATE TABLE outbox (scope INTEGER NOT NULL, id INTEGER NOT NULL, topic TEXT NOT NULL, key ANY NOT NULL, value BLOB NOT NULL,
		origin_stage ANY NOT NULL, origin_partition INTEGER NOT NULL, origin_offset INTEGER NOT NULL,
		origin_index INTEGER NOT NULL, UNIQUE (scope, id)) STRICT;
	CREATE TABLE list (id INTEGER PRIMARY KEY AUTOINCREMENT, scope INTEGER NOT NULL, name ANY NOT NULL,
		length INTEGER NOT NULL, expires_ms INTEGER, UNIQUE (scope, name)) STRICT;
	CREATE INDEX list_expiry ON list (expires_ms) WHERE expires_ms IS NOT NULL;
	CREATE TABLE list_value (list INTEGER NOT NULL, position INTEGER NOT NULL, value BLOB NOT NULL,
		UNIQUE (list, position)) STRICT`;

/** Throws StreamError: store-locked when another process (or this one) has the folder open, store-corrupt. */
export function openEmbeddedStore(options: EmbeddedStoreOptions): Store {
	const database = openDatabase({
		folder: options.folder,
		name: 'store',
		durability: options.durability ?? 'process',
		fileBytesMax: options.maxBytes ?? 16 * 1024 ** 3,
		version: 2,
		schema,
		codes: { locked: 'store-locked', full: 'store-full', corrupt: 'store-corrupt' },
	});
	const sql = prepare(database);
	const nowMs = options.nowMs ?? Date.now;
	// One process has the file open at a time; one that opens it later, or a copy of it, counts from another name.
	const epoch = randomUUID();
	let commits = 0;
	const scopeOf = (scope: Scope): ScopeRow | null => readScope(sql, scope);
	return {
		load: async (scope) => database.guard(() => load(sql, scopeOf(scope))),
		commit: async (scope, commit) => {
			commits += 1;
			const version = `${epoch}-${commits}`;
			return database.transact(() => applyCommit(sql, scope, scopeOf(scope), commit, version, nowMs()));
		},
		published: async (scope, id, atVersion) => {
			database.guard(() => {
				const row = scopeOf(scope);
				if (row && row.version === atVersion) sql.forgetOutbox.run(row.id, id);
			});
		},
		lastOutboxId: async (scope) => database.guard(() => scopeOf(scope)?.lastOutbox ?? 0),
		list: (scope, list, from) => readList(database, sql, scope, list, from ?? 0, nowMs()),
		listExtent: async (scope, list) =>
			database.guard(() => ({ first: 0, end: findList(sql, scopeOf(scope), list, nowMs())?.length ?? 0 })),
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
	| 'dropSomeValues'
	| 'dropList'
	| 'expireList'
	| 'expired',
	StatementSync
>;

function prepare({ db }: OpenDatabase): Sql {
	return {
		scope: db.prepare(
			'SELECT id, position, version, low_water, last_outbox FROM scope WHERE stage = ? AND partition = ?',
		),
		addScope: db.prepare(
			"INSERT INTO scope (stage, partition, position, version, low_water, last_outbox) VALUES (?, ?, 0, '', 0, 0)",
		),
		advance: db.prepare('UPDATE scope SET position = ?, version = ?, low_water = ?, last_outbox = ? WHERE id = ?'),
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
		listId: db.prepare('SELECT id, length, expires_ms FROM list WHERE scope = ? AND name = ?'),
		addValue: db.prepare('INSERT INTO list_value VALUES (?, ?, ?)'),
		values: db.prepare(
			'SELECT position, value FROM list_value WHERE list = ? AND position > ? ORDER BY position LIMIT ?',
		),
		dropValues: db.prepare('DELETE FROM list_value WHERE list = ?'),
		dropSomeValues: db.prepare(
			'DELETE FROM list_value WHERE rowid IN (SELECT rowid FROM list_value WHERE list = ? LIMIT ?)',
		),
		dropList: db.prepare('DELETE FROM list WHERE id = ?'),
		expireList: db.prepare('UPDATE list SET expires_ms = ? WHERE id = ?'),
		expired: db.prepare('SELECT id FROM list WHERE expires_ms <= ? ORDER BY expires_ms LIMIT 1'),
	};
}

interface ScopeRow {
	id: number;
	offset: number;
	version: string;
	lowWater: number;
	lastOutbox: number;
}

function readScope(sql: Sql, { stage, partition }: Scope): ScopeRow | null {
	const row = sql.scope.get(encodeName(stage), partition);
	if (!row) return null;
	return {
		id: row['id'] as number,
		offset: row['position'] as number,
		version: row['version'] as string,
		lowWater: row['low_water'] as number,
		lastOutbox: row['last_outbox'] as number,
	};
}

function load(sql: Sql, scope: ScopeRow | null): StoredState {
	if (!scope) return { offset: 0, version: '', lowWaterOffset: 0, cells: new Map(), outbox: [], fresh: true };
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
	const { offset, version, lowWater } = scope;
	return { offset, version, lowWaterOffset: lowWater, cells, outbox, fresh: false };
}

function applyCommit(
	sql: Sql,
	scope: Scope,
	row: ScopeRow | null,
	commit: Commit,
	version: string,
	nowMs: number,
): CommitResult {
	if ((row?.version ?? '') !== commit.expectedVersion) return { kind: 'fenced', storedOffset: row?.offset ?? 0 };
	const id = row?.id ?? Number(sql.addScope.run(encodeName(scope.stage), scope.partition).lastInsertRowid);
	for (const [name, value] of commit.cells) {
		if (value === null) sql.removeCell.run(id, encodeName(name));
		else sql.setCell.run(id, encodeName(name), value);
	}
	changeLists(sql, id, commit, nowMs);
	let lastOutbox = row?.lastOutbox ?? 0;
	for (const { topic, key, value, origin } of commit.outbox) {
		lastOutbox += 1;
		const { stage, partition, offset, index } = origin;
		sql.addOutbox.run(id, lastOutbox, topic, encodeName(key), value, encodeName(stage), partition, offset, index);
	}
	sql.advance.run(commit.nextOffset, version, commit.lowWaterOffset, lastOutbox, id);
	return { kind: 'committed', version };
}

function changeLists(sql: Sql, scope: number, commit: Commit, nowMs: number): void {
	purge(sql, nowMs);
	for (const { list, value } of commit.appends) {
		const known = sql.listId.get(scope, encodeName(list));
		// Expired and not purged yet: what is appended now begins another list.
		if (known && isExpired(known['expires_ms'], nowMs)) drop(sql, known['id'] as number);
		const extended = sql.extendList.get(scope, encodeName(list));
		if (!extended) throw new Error('extendList returned no row');
		sql.addValue.run(extended['id'] as number, extended['length'] as number, value);
	}
	for (const { list, afterMs } of commit.expireLists ?? []) {
		const known = sql.listId.get(scope, encodeName(list));
		if (!known) continue;
		if (afterMs <= 0) drop(sql, known['id'] as number);
		else sql.expireList.run(nowMs + afterMs, known['id'] as number);
	}
}

const isExpired = (expiresMs: unknown, nowMs: number): boolean => typeof expiresMs === 'number' && expiresMs <= nowMs;

function drop(sql: Sql, list: number): void {
	sql.dropValues.run(list);
	sql.dropList.run(list);
}

/** A bounded bite of one expired list per commit: commits with nothing expired pay one look at an index. */
function purge(sql: Sql, nowMs: number): void {
	const expired = sql.expired.get(nowMs);
	if (!expired) return;
	const { changes } = sql.dropSomeValues.run(expired['id'] as number, purgeValuesMax);
	if (Number(changes) < purgeValuesMax) sql.dropList.run(expired['id'] as number);
}

function findList(
	sql: Sql,
	scope: ScopeRow | null,
	name: string,
	nowMs: number,
): { id: number; length: number } | undefined {
	const row = scope ? sql.listId.get(scope.id, encodeName(name)) : undefined;
	if (!row || isExpired(row['expires_ms'], nowMs)) return undefined;
	return { id: row['id'] as number, length: row['length'] as number };
}

/** A list that is dropped while it is read ends there: list ids are never given out twice. */
async function* readList(
	database: OpenDatabase,
	sql: Sql,
	scope: Scope,
	name: string,
	from: number,
	nowMs: number,
): AsyncGenerator<Uint8Array> {
	const list = database.guard(() => findList(sql, readScope(sql, scope), name, nowMs));
	if (!list) return;
	// Positions count from 1.
	let after = from;
	for (;;) {
		const page = database.guard(() => sql.values.all(list.id, after, listPage));
		for (const row of page) {
			after = row['position'] as number;
			yield row['value'] as Uint8Array;
		}
		if (page.length < listPage) return;
	}
}
