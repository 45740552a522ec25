// An empty read means the end: a replay that took an old end for it would go on without its state.
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Cursor } from '../../src/kafka/cursor.ts';
import { type Cursors, createCursors } from '../../src/kafka/cursors.ts';
import type { Place, Reader } from '../../src/kafka/reader.ts';
import type { LogRecord } from '../../src/ports.ts';
import { everything } from './support.ts';

const place: Place = { topic: 'trace', name: 'p.trace', partition: 0 };

const recordAt = (offset: number): LogRecord => ({
	topic: 'trace',
	partition: 0,
	offset,
	key: 'k',
	value: Buffer.from('v'),
	timestampUs: -1,
	origin: null,
	seal: null,
	traceparent: null,
});

/** A live cursor that heard of an empty partition, and the records that are there since. */
async function staleCursor(t: TestContext): Promise<{ cursors: Cursors; cursor: Cursor; records: LogRecord[] }> {
	const records: LogRecord[] = [];
	const reader: Reader = {
		fetch: async (at, offset, bytes) => ({
			target: { ...at, offset, bytes },
			records: records.slice(offset),
			next: Math.max(offset, records.length),
			end: records.length,
		}),
		bounds: async () => ({ start: 0, end: records.length }),
		offsetAt: async () => 0,
	};
	const cursors = createCursors(reader, { bufferBytesMax: 1 << 20, onLive: () => {}, now: () => 0 });
	const stop = new AbortController();
	const waiting = cursors.wait(place, 0, stop.signal);
	t.after(async () => {
		stop.abort();
		await waiting;
	});
	await turn();
	const [cursor] = cursors.hungry(0);
	assert.ok(cursor);
	for (let offset = 0; offset < 3; offset++) records.push(recordAt(offset));
	return { cursors, cursor, records };
}

it('reads up to an end that was heard of otherwise', async (t) => {
	const { cursors } = await staleCursor(t);
	cursors.reaches(place, 3);
	assert.equal((await cursors.read(place, 0, everything)).length, 3);
});

it('takes no failed live fetches for the end', async (t) => {
	const { cursors, cursor } = await staleCursor(t);
	cursors.reaches(place, 3);
	const failing = async (times: number): Promise<void> => {
		await turn();
		cursor.fetching = times > 1 ? failing(times - 1) : null;
	};
	cursor.fetching = failing(3);
	assert.equal((await cursors.read(place, 0, everything)).length, 3);
});
