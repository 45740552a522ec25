import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDigestSizes, type DigestSizes, restoreSighting, sight } from '../../src/core/digest-sizes.ts';

const see = (table: DigestSizes, digest: string, ino: string, size: number, max = 100): number =>
	sight(table, digest, 1, ino, size, max);

test('the first sighting and equal sizes say nothing', () => {
	const table = createDigestSizes();
	assert.equal(see(table, 'd', '1', 10), -1);
	assert.equal(see(table, 'd', '2', 10), -1);
	assert.equal(see(table, 'd', '1', 10), -1);
});

test('another size than the majority of the other inodes is told; the file’s own inode does not vote', () => {
	const table = createDigestSizes();
	see(table, 'd', '1', 10);
	see(table, 'd', '2', 10);
	assert.equal(see(table, 'd', '3', 77), 10);
	assert.equal(see(table, 'd', '3', 77), 10);
	assert.equal(see(table, 'd', '1', 10), -1);
});

test('one wrong sighting before the right ones does not stain them for long', () => {
	const table = createDigestSizes();
	see(table, 'd', 'wrong', 77);
	assert.equal(see(table, 'd', '1', 10), 77);
	assert.equal(see(table, 'd', '1', 10), -1);
	assert.equal(see(table, 'd', '2', 10), -1);
	assert.equal(see(table, 'd', 'wrong', 77), 10);
});

test('the older half is forgotten whole, what is used again stays, and a restored table judges the same', () => {
	const table = createDigestSizes();
	const added = (): DigestSizes['added'] => table.added.splice(0);
	const stored: DigestSizes['added'] = [];
	see(table, 'kept', '1', 10, 8);
	for (let i = 0; i < 20; i++) {
		see(table, `d${i}`, '1', 10, 8);
		if (i % 3 === 0) see(table, 'kept', '1', 10, 8);
	}
	stored.push(...added());
	assert.ok(table.young.size + table.old.size <= 8);
	const again = createDigestSizes();
	again.generation = table.generation;
	for (const { generation, digest, sighting } of stored)
		if (generation >= table.generation - 1) restoreSighting(again, generation, digest, sighting);
	assert.deepEqual([...again.young], [...table.young]);
	assert.equal(see(again, 'kept', '2', 77, 8), 10);
	assert.equal(see(table, 'kept', '2', 77, 8), 10);
	assert.equal(see(table, 'd0', '2', 77, 8), -1);
});
