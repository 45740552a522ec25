// Two simulated hours of a fleet in a minute, on real servers: what a service keeps of what is over would show in its memory.
// `npm run test:day` plays the whole day (docs/testing.md).
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import { temporaryFolder } from '../bench/temporary-folder.ts';
import { MissingTool } from '../servers/tools.ts';
import { type DayResult, playDay } from './day.ts';
import { daySettings } from './settings.ts';

async function play(leak: 'none' | 'redis' | 'heap', t: { skip(message: string): void }): Promise<DayResult | null> {
	const folder = temporaryFolder();
	try {
		return await playDay(
			folder,
			daySettings({
				hours: leak === 'heap' ? 1 : 2,
				minutes: leak === 'heap' ? 0.5 : 1,
				hosts: 8,
				seed: 1,
				leak,
				told: () => {},
			}),
		);
	} catch (error) {
		if (!(error instanceof MissingTool) || process.env['REQUIRE_SERVERS'] === '1') throw error;
		t.skip(error.message);
		return null;
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

test('two hours of a fleet: every session is judged, and no memory grows with their number', async (t) => {
	const result = await play('none', t);
	if (result === null) return;
	assert.deepEqual(
		result.figures.filter(({ growth }) => growth !== null).map(({ name, growth }) => `${name} ${growth}`),
		[],
	);
	assert.ok(result.sessions > 50, `sessions: ${result.sessions}`);
	assert.deepEqual(Object.keys(result.verdicts).sort(), ['failed', 'incomplete', 'passed']);
	assert.ok(result.counts.absences > 0);
});

test('the check fails where services keep what they should not', async (t) => {
	const result = await play('heap', t);
	if (result === null) return;
	const grown = result.figures.filter(({ growth }) => growth !== null).map(({ name }) => name);
	for (const name of ['correlate', 'detect', 'sign', 'alert']) assert.ok(grown.includes(`${name} live heap`), name);
});
