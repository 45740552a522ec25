// Reading a whole scope in bounded pages, and being sure that no commit came in between.
import { StreamError } from '../errors.ts';
import type { StoredState } from '../ports.ts';
import type { Client, Connection } from './connection.ts';
import { decodeName, type ScopeKeys } from './keys.ts';
import { decodeEntry } from './outbox-entry.ts';

export interface Meta {
	version: string;
	offset: number;
	lowWaterOffset: number;
	lastOutboxId: number;
}

/** null: never committed. Throws StreamError('store-corrupt'). */
export function parseMeta(stored: unknown): Meta | null {
	if (stored === null) return null;
	const found = typeof stored === 'string' ? stored.match(/^(\S{1,200}) (\d{1,16}) (\d{1,16}) (\d{1,16})$/) : null;
	if (!found) throw new StreamError('store-corrupt', 'redis: the meta of a scope is none');
	return {
		version: found[1] ?? '',
		offset: Number(found[2]),
		lowWaterOffset: Number(found[3]),
		lastOutboxId: Number(found[4]),
	};
}

/** A partition that moved is committed to by its former worker for a moment. */
const attemptsMax = 5;
const pageBytes = 1024 ** 2;
const pageItemsMax = 4096;

/** Rejects with StreamError('unavailable') when every attempt met a commit. */
export async function loadScope(connection: Connection, keys: ScopeKeys): Promise<StoredState> {
	for (let attempt = 0; attempt < attemptsMax; attempt++) {
		const before = await readMark(connection, keys);
		if (!before.meta) return { offset: 0, version: '', lowWaterOffset: 0, cells: new Map(), outbox: [], fresh: true };
		const cells = await readCells(connection, keys);
		const outbox = await readOutbox(connection, keys, before.meta, before.waiting);
		const after = await readMark(connection, keys);
		// The version pins the cells; the length of the outbox, that nothing of it was published in between.
		if (after.meta?.version !== before.meta.version || after.waiting !== before.waiting) continue;
		const { offset, version, lowWaterOffset } = before.meta;
		return { offset, version, lowWaterOffset, cells, outbox, fresh: false };
	}
	throw new StreamError(
		'unavailable',
		`redis: ${keys.meta}: committed to during each of ${attemptsMax} attempts to load it`,
	);
}

async function readMark(
	{ client, answer }: Connection,
	keys: ScopeKeys,
): Promise<{ meta: Meta | null; waiting: number }> {
	const [meta, waiting] = await answer('load', inOneGo(client.pipeline().get(keys.meta).llen(keys.outbox).exec()));
	if (typeof waiting !== 'number' || waiting % 2 !== 0)
		throw new StreamError('store-corrupt', 'redis: the outbox of a scope is none');
	return { meta: parseMeta(meta), waiting: waiting / 2 };
}

/** The results of a pipeline; rejects with the first error among them. */
export async function inOneGo(replies: ReturnType<ReturnType<Client['pipeline']>['exec']>): Promise<unknown[]> {
	const results: unknown[] = [];
	for (const [error, result] of (await replies) ?? []) {
		if (error) throw error;
		results.push(result);
	}
	return results;
}

/** How many items to ask for next, after a page of so many with so many bytes. */
const nextCount = (items: number, bytes: number): number =>
	Math.max(
		1,
		Math.min(pageItemsMax, 4 * Math.max(items, 1), Math.floor((pageBytes * Math.max(items, 1)) / Math.max(bytes, 1))),
	);

async function readCells({ client, answer }: Connection, keys: ScopeKeys): Promise<Map<string, Uint8Array>> {
	const cells = new Map<string, Uint8Array>();
	let cursor: string | Buffer = '0';
	let count = 16;
	do {
		const [next, items]: [Buffer, Buffer[]] = await answer(
			'load',
			client.hscanBuffer(keys.cells, cursor, 'COUNT', count),
		);
		let bytes = 0;
		for (let i = 0; i + 1 < items.length; i += 2) {
			const value = items[i + 1] as Buffer;
			bytes += value.byteLength;
			cells.set(decodeName(items[i] as Buffer), value);
		}
		count = nextCount(items.length / 2, bytes);
		cursor = next.toString('latin1');
	} while (cursor !== '0');
	return cells;
}

async function readOutbox(
	{ client, answer }: Connection,
	keys: ScopeKeys,
	meta: Meta,
	waiting: number,
): Promise<StoredState['outbox']> {
	const outbox: StoredState['outbox'] = [];
	const firstId = meta.lastOutboxId - waiting + 1;
	let count = 16;
	for (let at = 0; at < waiting; ) {
		const items: Buffer[] = await answer('load', client.lrangeBuffer(keys.outbox, 2 * at, 2 * (at + count) - 1));
		let bytes = 0;
		for (let i = 0; i + 1 < items.length; i += 2) {
			const value = items[i + 1] as Buffer;
			bytes += value.byteLength;
			outbox.push({ ...decodeEntry(items[i] as Buffer, value), id: firstId + at + i / 2 });
		}
		// Trimmed meanwhile: the caller sees it and begins again.
		if (items.length < 2) break;
		at += items.length / 2;
		count = nextCount(items.length / 2, bytes);
	}
	return outbox;
}
