// What the embedded log and store share: opening a database that one process alone may write, errors, transactions.
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StreamError, type StreamErrorCode } from '../errors.ts';

/**
 * What a commit survives. `process`: kill -9 of this process, since the kernel holds what was written (synchronous=NORMAL,
 * no fsync per commit; after a power loss the last commits may be gone, the file is whole). `power`: a power loss too
 * (synchronous=FULL, one fsync per commit).
 */
export type Durability = 'process' | 'power';

export interface Codes {
	locked: StreamErrorCode;
	full: StreamErrorCode;
	corrupt: StreamErrorCode;
}

export interface DatabaseOptions {
	folder: string;
	/** File name without its ending. */
	name: 'log' | 'store';
	durability: Durability;
	/** Bound of the database file. */
	fileBytesMax: number;
	/** Raised when the tables change shape. */
	version: number;
	schema: string;
	codes: Codes;
}

export interface OpenDatabase {
	db: DatabaseSync;
	/** Runs `work` in one transaction; what it throws rolls back. SQLite's own errors come out as StreamError where they have a code. */
	transact<T>(work: () => T): T;
	/** As `transact` without the transaction: for single reads. */
	guard<T>(work: () => T): T;
	close(): void;
}

/** Measured: 8 KiB beats 4 KiB on batches of 60 kB and costs nothing on small ones. */
const pageBytes = 8192;
/** The write-ahead log is folded into the file at about 32 MiB. */
const walPages = 4096;
/** SQLite result codes (sqlite.org/rescode.html), primary ones: the low 8 bits. */
const busy = 5;
const corrupt = 11;
const full = 13;
const notADatabase = 26;

export function openDatabase(options: DatabaseOptions): OpenDatabase {
	const { folder, name, codes } = options;
	mkdirSync(folder, { recursive: true, mode: 0o700 });
	const lock = takeLock(folder, name, codes);
	const file = join(folder, `${name}.db`);
	let db: DatabaseSync | undefined;
	try {
		db = new DatabaseSync(file, { timeout: 5_000 });
		// Traces hold command lines and paths of other users' builds.
		chmodSync(file, 0o600);
		db.exec(`PRAGMA page_size=${pageBytes}; PRAGMA journal_mode=WAL; PRAGMA temp_store=MEMORY;
			PRAGMA synchronous=${options.durability === 'power' ? 'FULL' : 'NORMAL'};
			PRAGMA journal_size_limit=67108864; PRAGMA wal_autocheckpoint=${walPages};
			PRAGMA max_page_count=${Math.ceil(options.fileBytesMax / pageBytes)}`);
		prepareSchema(db, file, options);
		return handle(db, lock, file, codes);
	} catch (error) {
		db?.close();
		lock.close();
		throw translate(error, file, codes);
	}
}

/**
 * The lock is an exclusive transaction on a file of its own, held for life: the kernel drops it with the process,
 * however that ends, and other processes may still read the database itself.
 */
function takeLock(folder: string, name: string, codes: Codes): DatabaseSync {
	const lock = new DatabaseSync(join(folder, `${name}.lock`), { timeout: 0 });
	try {
		lock.exec('PRAGMA journal_mode=DELETE; BEGIN EXCLUSIVE');
		return lock;
	} catch (error) {
		lock.close();
		if (resultCode(error) === busy)
			throw new StreamError(codes.locked, `${folder}: the ${name} is in use by another process or opener`, error);
		throw translate(error, folder, codes);
	}
}

function prepareSchema(db: DatabaseSync, file: string, options: DatabaseOptions): void {
	const found = db.prepare('PRAGMA user_version').get()?.['user_version'];
	if (found === 0) {
		db.exec(`BEGIN IMMEDIATE; ${options.schema}; PRAGMA user_version=${options.version}; COMMIT`);
	} else if (found !== options.version) {
		throw new StreamError(
			options.codes.corrupt,
			`${file}: version ${String(found)} of the ${options.name}: expected ${options.version}`,
		);
	}
}

function handle(db: DatabaseSync, lock: DatabaseSync, file: string, codes: Codes): OpenDatabase {
	const begin = db.prepare('BEGIN IMMEDIATE');
	const commit = db.prepare('COMMIT');
	const rollback = db.prepare('ROLLBACK');
	let open = true;
	const ensureOpen = (): void => {
		if (!open) throw new StreamError('closed', `${file}: closed`);
	};
	return {
		db,
		transact: (work) => {
			ensureOpen();
			try {
				begin.run();
				try {
					const result = work();
					commit.run();
					return result;
				} catch (error) {
					// Some errors (SQLITE_FULL) have rolled back by themselves.
					if (db.isTransaction) rollback.run();
					throw error;
				}
			} catch (error) {
				throw translate(error, file, codes);
			}
		},
		guard: (work) => {
			ensureOpen();
			try {
				return work();
			} catch (error) {
				throw translate(error, file, codes);
			}
		},
		close: () => {
			if (!open) return;
			open = false;
			db.close();
			lock.close();
		},
	};
}

function resultCode(error: unknown): number {
	if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return 0;
	return error.errcode & 0xff;
}

function translate(error: unknown, file: string, codes: Codes): unknown {
	switch (resultCode(error)) {
		case corrupt:
		case notADatabase:
			return new StreamError(codes.corrupt, `${file}: not a database of ours, or damaged`, error);
		case full:
			return new StreamError(codes.full, `${file}: the disk or the file's bound is full`, error);
		case busy:
			return new StreamError(codes.locked, `${file}: locked by another process`, error);
		default:
			return error;
	}
}

/** Names come from outside: one with lone surrogates has no UTF-8 and is kept as its code units, so that no two names collide. */
export const encodeName = (name: string): string | Uint8Array =>
	name.isWellFormed() ? name : Buffer.from(name, 'utf16le');

export const decodeName = (stored: unknown): string =>
	typeof stored === 'string' ? stored : Buffer.from(stored as Uint8Array).toString('utf16le');
