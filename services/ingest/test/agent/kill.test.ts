import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { signedBatchCodec, traceBatchCodec } from '@affidavit/model/codec.ts';
import type { TraceBatch } from '@affidavit/model/generated/trace.ts';
import { openEmbeddedLog } from '@affidavit/stream/embedded/log.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import { testKey } from '../source/test-key.ts';
import { newFolder, withoutCopies } from './spool-samples.ts';

const child = fileURLToPath(new URL('./killed-agent.ts', import.meta.url));
const lines = 6000;
/** A line that cannot be read, now and then. */
const isBad = (i: number): boolean => i % 500 === 250;

/** Runs the agent; kills it `afterMs` after it has begun, unless it has ended before. True when it ended by itself. */
async function runAndKill(folder: string, afterMs: number): Promise<boolean> {
	const agent = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', child, folder], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	const ended = once(agent, 'exit');
	await Promise.race([once(agent.stdout, 'data'), ended]);
	const timer = setTimeout(() => agent.kill('SIGKILL'), afterMs);
	const [code, signal] = await ended;
	clearTimeout(timer);
	assert.ok(code === 0 || signal === 'SIGKILL', `exit ${code}`);
	return code === 0;
}

it('an agent that is killed at any moment loses nothing and doubles nothing', { timeout: 120_000 }, async () => {
	const folder = newFolder();
	mkdirSync(folder, { recursive: true });
	writeFileSync(join(folder, 'key.pem'), testKey().privateKey.export({ type: 'pkcs8', format: 'pem' }), {
		mode: 0o600,
	});
	let text = '';
	for (let i = 0; i < lines; i++)
		text += isBad(i) ? '{"host"\n' : `${JSON.stringify({ host: 'a', t: i / 1000, path: `/f${i}` })}\n`;
	writeFileSync(join(folder, 'tetragon.log'), text);
	let kills = 0;
	while (!(await runAndKill(folder, kills < 8 ? 5 + ((kills * 37) % 150) : 60_000))) kills++;
	assert.ok(kills >= 3, `${kills} kills: too few to show anything`);
	await sleep(0);

	const remote = openEmbeddedLog({ folder: join(folder, 'remote') });
	const recordsOf = async (topic: 'trace' | 'deadletter'): Promise<LogRecord[]> => {
		const { end } = await remote.bounds(topic, 0);
		return end === 0 ? [] : await remote.read(topic, 0, 0, { records: 100_000, bytes: 1e9 });
	};
	const sent = await recordsOf('trace');
	// As the correlator drops copies: by the chain. Of one sequence there is one batch, to the byte.
	const bySequence = new Map<number, Buffer>();
	const batches: TraceBatch[] = [];
	for (const { value } of sent) {
		const batch = traceBatchCodec.decode(signedBatchCodec.decode(value).payload);
		const known = bySequence.get(batch.sequence);
		if (known === undefined) {
			bySequence.set(batch.sequence, Buffer.from(value));
			batches.push(batch);
		} else assert.ok(known.equals(value), `two batches of sequence ${batch.sequence}`);
	}
	assert.deepEqual(
		batches.map(({ sequence }) => sequence),
		batches.map((_, i) => i),
	);
	const expected = Array.from({ length: lines }, (_, i) => i).filter((i) => !isBad(i));
	assert.deepEqual(
		batches.flatMap(({ events, strings }) => events.map(({ path }) => strings[path])),
		expected.map((i) => `/f${i}`),
	);
	assert.equal(withoutCopies(await recordsOf('deadletter')).length, lines - expected.length);
	await remote.close();
});
