import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import type { Blobs } from '@affidavit/stream/ports.ts';
import { patientBlobs } from '../../src/service/patient-blobs.ts';

function seenAfter(misses: number): { blobs: Blobs; waitedMs: () => number; awaited: () => number } {
	const { emit, count } = collectingEmit();
	let waitedMs = 0;
	let asked = 0;
	const bytes = Buffer.from('manifest');
	const folder = { get: async () => (asked++ < misses ? null : bytes) } as unknown as Blobs;
	const blobs = patientBlobs(folder, emit, async (ms) => {
		waitedMs += ms;
	});
	return { blobs, waitedMs: () => waitedMs, awaited: () => count('blob_awaited') };
}

test('a blob that another machine has just written is waited for, one that is there is not', async () => {
	const there = seenAfter(0);
	assert.equal((await there.blobs.get('x'))?.toString(), 'manifest');
	assert.equal(there.waitedMs(), 0);
	const late = seenAfter(3);
	assert.equal((await late.blobs.get('x'))?.toString(), 'manifest');
	assert.deepEqual([late.waitedMs(), late.awaited()], [3500, 3]);
});

test('the wait is bounded', async () => {
	const never = seenAfter(Number.POSITIVE_INFINITY);
	assert.equal(await never.blobs.get('x'), null);
	assert.equal(never.waitedMs(), 15_500);
});
