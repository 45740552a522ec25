import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { createSorter } from '../src/sort/external-sort.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-sort-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Item {
	key: string;
	count: number;
}

const sorterOf = (runItemsMax: number) =>
	createSorter<Item>({
		compare: (a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0),
		fold: (into, more) => {
			into.count += more.count;
		},
		encode: (item) => JSON.stringify([item.key, item.count]),
		decode: (line) => {
			const [key, count] = JSON.parse(line) as [string, number];
			return { key, count };
		},
		folder,
		runItemsMax,
	});

/** What a sort in memory gives. */
function model(keys: readonly string[]): [string, number][] {
	const counts = new Map<string, number>();
	for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
	return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}

test('sorts and folds like a sort in memory, however many runs it takes, and leaves nothing behind', () => {
	const keys = fc.array(
		fc.oneof(fc.string({ unit: 'binary', maxLength: 4 }), fc.constantFrom('a', 'b', '\n', '__proto__')),
	);
	fc.assert(
		fc.property(keys, fc.integer({ min: 1, max: 20 }), (list, runItemsMax) => {
			const sorter = sorterOf(runItemsMax);
			for (const key of list) sorter.add({ key, count: 1 });
			const found = [...sorter.merged()].map((i): [string, number] => [i.key, i.count]);
			sorter.dispose();
			assert.deepEqual(found, model(list));
		}),
		{ numRuns: 300 },
	);
	assert.deepEqual(readdirSync(folder), []);
});

test('merges runs into longer ones when there are many, and may be left half-read', () => {
	const sorter = sorterOf(3);
	const list = Array.from({ length: 1_000 }, (_, i) => String((i * 7919) % 331));
	for (const key of list) sorter.add({ key, count: 1 });
	const merged = sorter.merged();
	assert.deepEqual(merged.next().value, { key: '0', count: list.filter((k) => k === '0').length });
	merged.return();
	sorter.dispose();
	assert.deepEqual(readdirSync(folder), []);
	const again = sorterOf(3);
	for (const key of list) again.add({ key, count: 1 });
	assert.deepEqual(
		[...again.merged()].map((i): [string, number] => [i.key, i.count]),
		model(list),
	);
	again.dispose();
});
