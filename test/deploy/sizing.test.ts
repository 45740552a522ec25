// docs/sizing.md shows the table that its figures give.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repoRoot } from '../e2e/affidavit.ts';
import { assumed, fleets, measured, sizeOf, sizingTable } from './sizing.ts';

const page = readFileSync(join(repoRoot, 'docs/sizing.md'), 'utf8');

test('docs/sizing.md: the table and the figures that it is made of', () => {
	assert.ok(page.includes(sizingTable()), `expected\n${sizingTable()}`);
	for (const [name, value] of Object.entries(measured))
		assert.match(page, new RegExp(`^\\| \`${name}\` \\| ${value.toLocaleString('en-US')} `, 'm'), name);
});

test('sizing: in proportion to the events, and a partition for each worker', () => {
	for (const fleet of fleets) {
		const one = sizeOf(fleet);
		const ten = sizeOf({ ...fleet, eventsPerSecond: fleet.eventsPerSecond * 10 });
		assert.ok(Math.abs(ten.diskBytes / one.diskBytes - 10) < 1e-9);
		assert.ok(one.partitions >= one.workers);
		assert.ok((one.workers * assumed.utilisation * 1e6) / measured.clientCpu >= one.events);
	}
});
