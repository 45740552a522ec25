// `affidavit process`, killed at twenty seeded points: the same statements and webhook ids. `npm run test:kill` plays more.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playSeeds } from './seeds.ts';

test('kill -9 at seeded points: byte-identical statements, the same objects, no webhook id lost or new', async () => {
	const results = await playSeeds(1, 20);
	assert.deepEqual(
		results.filter((r) => r.differences.length > 0),
		[],
	);
	// Most kills hit a run that was under way.
	assert.ok(results.reduce((sum, r) => sum + r.killed, 0) >= 20);
});
