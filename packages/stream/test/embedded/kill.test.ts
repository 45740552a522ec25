// A real kill -9, again and again, of a process on the embedded log and store: nothing is lost, nothing seen twice.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openEmbeddedLog } from '../../src/embedded/log.ts';
import type { Topic } from '../../src/ports.ts';
import { readTopic } from '../../src/runner/read-topic.ts';
import { temporaryFolder } from '../temporary-folder.ts';

const child = fileURLToPath(new URL('./kill.child.ts', import.meta.url));
const count = 1000;
const kills = 6;

/** Starts the child; kills it after `killAfterMs` unless null. True when it ended by itself. */
async function runChild(folder: string, killAfterMs: number | null): Promise<boolean> {
	const running = spawn(process.execPath, [child, folder, String(count)], { stdio: ['ignore', 'ignore', 'inherit'] });
	const timer = killAfterMs === null ? null : setTimeout(() => running.kill('SIGKILL'), killAfterMs);
	const [code, signal] = await once(running, 'exit');
	if (timer) clearTimeout(timer);
	assert.ok(signal === 'SIGKILL' || code === 0, `exit ${code} ${signal}`);
	return code === 0;
}

async function readSeen(folder: string): Promise<{ seen: Map<string, string[]>; ends: number[] }> {
	const log = openEmbeddedLog({ folder });
	const seen = new Map<string, string[]>();
	const ends: number[] = [];
	for (const topic of ['trace', 'session', 'finding', 'verdict'] satisfies Topic[]) {
		ends.push((await log.bounds(topic, 0)).end);
		for await (const { key, value } of readTopic(log, topic)) {
			const values = seen.get(`${topic} ${key}`) ?? [];
			seen.set(`${topic} ${key}`, values);
			values.push(Buffer.from(value).toString());
		}
	}
	await log.close();
	return { seen, ends };
}

describe('kill -9', () => {
	it('loses nothing and shows nothing twice', { timeout: 60_000 }, async (t) => {
		const calm = temporaryFolder();
		const harsh = temporaryFolder();
		t.after(() => {
			calm.remove();
			harsh.remove();
		});
		const started = performance.now();
		assert.equal(await runChild(calm.folder, null), true);
		const wholeMs = performance.now() - started;
		let killed = 0;
		// Somewhere between the start-up and the end of what is left.
		for (let i = 0; i < kills; i++) if (!(await runChild(harsh.folder, wholeMs * (0.45 + 0.08 * i)))) killed += 1;
		await runChild(harsh.folder, null);
		const [expected, actual] = [await readSeen(calm.folder), await readSeen(harsh.folder)];
		t.diagnostic(`killed ${killed} times; records by topic ${expected.ends} undisturbed, ${actual.ends} killed`);
		assert.ok(killed > 0, 'the child was killed at least once');
		assert.equal(expected.ends[0], count);
		assert.deepEqual([...actual.seen].sort(), [...expected.seen].sort());
	});

	it('gives the lock up with the process', { timeout: 60_000 }, async (t) => {
		const { folder, remove } = temporaryFolder();
		t.after(remove);
		const running = spawn(process.execPath, [child, folder, '1000000'], { stdio: ['ignore', 'ignore', 'inherit'] });
		t.after(() => running.kill('SIGKILL'));
		const isLocked = (): boolean => {
			try {
				void openEmbeddedLog({ folder }).close();
				return false;
			} catch (error) {
				assert.match(String(error), /log is in use/);
				return true;
			}
		};
		// Only looked at, until the child has opened it.
		while (!existsSync(`${folder}/store.db-wal`)) await new Promise((resolve) => setTimeout(resolve, 10));
		assert.equal(isLocked(), true);
		running.kill('SIGKILL');
		await once(running, 'exit');
		assert.equal(isLocked(), false);
	});
});
