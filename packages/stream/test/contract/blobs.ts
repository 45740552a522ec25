// What every Blobs must do (ports.ts). Run on each implementation.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Blobs } from '../../src/ports.ts';

export type OpenBlobs = () => Promise<{ blobs: Blobs; dispose: () => Promise<void> }>;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export function blobsContract(name: string, open: OpenBlobs): void {
	const test = (title: string, body: (blobs: Blobs) => Promise<void>): void => {
		it(title, async () => {
			const { blobs, dispose } = await open();
			try {
				await body(blobs);
			} finally {
				await dispose();
			}
		});
	};

	describe(`blobs contract: ${name}`, () => {
		test('names bytes by their sha256 and gives them back', async (blobs) => {
			await fc.assert(
				fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (bytes) => {
					const id = await blobs.put(bytes);
					assert.equal(id, sha256(bytes));
					assert.equal(await blobs.put(bytes), id);
					assert.deepEqual(Buffer.from((await blobs.get(id)) ?? 'absent'), Buffer.from(bytes));
					assert.equal(await blobs.has(id), true);
				}),
				{ numRuns: 20 },
			);
		});

		test('takes a stream, in chunks of any size, from either kind of iterable', async (blobs) => {
			const chunks = [Buffer.from('a'), Buffer.alloc(0), Buffer.alloc(300_000, 'b')];
			const whole = Buffer.concat(chunks);
			assert.deepEqual(await blobs.putStream(chunks), { sha256: sha256(whole), bytes: whole.length });
			async function* later(): AsyncGenerator<Uint8Array> {
				for (const chunk of chunks) yield chunk;
			}
			assert.deepEqual(await blobs.putStream(later()), { sha256: sha256(whole), bytes: whole.length });
			assert.deepEqual(Buffer.from((await blobs.get(sha256(whole))) ?? 'absent'), whole);
		});

		test('keeps nothing of a stream that fails', async (blobs) => {
			function* broken(): Generator<Uint8Array> {
				yield Buffer.from('half');
				throw new Error('the source broke');
			}
			await assert.rejects(blobs.putStream(broken()), /the source broke/);
			assert.equal(await blobs.has(sha256(Buffer.from('half'))), false);
		});

		test('knows nothing under a name that is absent or no sha256', async (blobs) => {
			for (const id of ['0'.repeat(64), '', '../../etc/passwd', 'A'.repeat(64), '\0']) {
				assert.equal(await blobs.get(id), null);
				assert.equal(await blobs.has(id), false);
			}
		});
	});
}
