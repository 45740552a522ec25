// kill -9 of a real process, again and again, while the receiver fails half of the time: nothing is lost, and nothing
// arrives under a second id.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { alertMessage } from '../../src/alert/message.ts';
import { numbered, startReceiver } from './receiver.ts';

const findings = 60;
const killsMax = 5;

test('a process that is killed sends what it had not delivered again, under the same webhook-id', async () => {
	const folder = mkdtempSync(join(tmpdir(), 'affidavit-alert-'));
	const taken = new Map<string, number>();
	await using receiver = await startReceiver((response, request, count) => {
		if (count % 2 === 0) return response.writeHead(503).end();
		const id = String(request.headers['webhook-id']);
		taken.set(id, (taken.get(id) ?? 0) + 1);
		return response.writeHead(204).end();
	});
	try {
		for (let kills = 0; taken.size < findings; kills++) {
			const before = taken.size;
			const child = spawn(
				process.execPath,
				[join(import.meta.dirname, 'alert-process.ts'), folder, receiver.url, String(findings)],
				{ stdio: ['ignore', 'ignore', 'inherit'] },
			);
			const ended = once(child, 'exit');
			// Killed in the middle of its work; the last one may finish.
			const enough = kills < killsMax ? before + findings / (killsMax + 2) : findings;
			for (let waited = 0; taken.size < enough && waited < 3000 && child.exitCode === null; waited++) await sleep(5);
			child.kill('SIGKILL');
			await ended;
			assert.ok(kills < killsMax + 3, `${taken.size} of ${findings} after ${kills} kills`);
		}
		const expected = Array.from({ length: findings }, (_, n) => alertMessage(numbered(n)).id);
		assert.deepEqual([...taken.keys()].sort(), expected.sort());
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
});
