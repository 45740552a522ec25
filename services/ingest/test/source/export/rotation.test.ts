import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type FileEntry, firstUnread, inOrder, isRotated, successorOf } from '../../../src/source/export/rotation.ts';

const entry = (name: string, mtimeNs: number, size = 1, live = false): FileEntry => ({
	name,
	id: `1:${name}`,
	size,
	mtimeNs: BigInt(mtimeNs),
	live,
});
const names = (entries: readonly FileEntry[]): string[] => entries.map((e) => e.name);

describe('rotation', () => {
	it('knows the names that rotation gives', () => {
		const cases: [string, boolean][] = [
			['tetragon-2026-11-23T04-10-50.123.log', true],
			['tetragon-2026-11-23T04-10-50.log', true],
			['tetragon.log.1', true],
			['tetragon.log-20261123', true],
			['tetragon.log-20261123-1795', true],
			['tetragon.log', false],
			['tetragon.log.1.gz', false],
			['tetragon.log.tmp', false],
			['tetragon-agent.log', false],
			['tetragon-2026-11-23T04-10-50.123.log.gz', false],
			['tetragon', false],
			['x', false],
		];
		for (const [name, rotated] of cases) assert.equal(isRotated(name, 'tetragon.log'), rotated, name);
		assert.equal(isRotated('events-2026-11-23T04-10-50.123', 'events'), true);
		assert.equal(isRotated('.hidden.1', '.hidden'), true);
	});

	it('orders by the last write, then by name as the scheme counts, the live file last', () => {
		const entries = [
			entry('t.log', 1, 1, true),
			entry('t.log.2', 5),
			entry('t.log.10', 5),
			entry('t.log.1', 5),
			entry('t-2026-11-23T04-00-02.000.log', 4),
			entry('t-2026-11-23T04-00-01.000.log', 4),
		];
		assert.deepEqual(names(inOrder(entries)), [
			't-2026-11-23T04-00-01.000.log',
			't-2026-11-23T04-00-02.000.log',
			't.log.10',
			't.log.2',
			't.log.1',
			't.log',
		]);
	});

	it('finds the successor: the next file with content', () => {
		const entries = [entry('t.log.3', 1), entry('t.log.2', 2, 0), entry('t.log.1', 3), entry('t.log', 4, 0, true)];
		assert.equal(successorOf('1:t.log.3', 1n, entries)?.name, 't.log.1');
		assert.equal(successorOf('1:t.log.1', 3n, entries), null);
		assert.equal(successorOf('1:deleted', 2n, entries)?.name, 't.log.1');
		assert.equal(successorOf('1:deleted', 3n, entries), null);
	});

	it('goes on, when a file is gone, with what was written later', () => {
		const entries = [entry('t.log.2', 2), entry('t.log.1', 3), entry('t.log', 4, 0, true)];
		assert.equal(firstUnread('', 2n, entries)?.name, 't.log.1');
		assert.equal(firstUnread('', 3n, entries)?.name, 't.log');
		assert.equal(firstUnread('1:t.log.2', 9n, entries)?.name, 't.log.2');
		assert.equal(firstUnread('1:t.log', 2n, entries)?.name, 't.log.1');
		assert.equal(firstUnread('', 0n, []), null);
	});
});
