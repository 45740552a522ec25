// No input takes more than its time and memory: each runs in a process of its own, which is measured.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { PolicyMode } from '@affidavit/attest/policy/result.ts';
import { createMaker } from '../../interop/policy-matrix/maker.ts';
import { writeInputs } from '../../interop/policy-matrix/run.ts';
import type { ChildAnswer } from './child.ts';
import { hostileInputs } from './hostile.ts';
import { peakMbMax, secondsMax } from './options.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-hostile-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const script = fileURLToPath(new URL('./child.ts', import.meta.url));
/** A child that hangs is ended; its verification has long lost by then. */
const killedAfterMs = 60_000;

const modes = ['strict', 'witness'] as const;

type Run = { kind: 'answer'; answer: ChildAnswer } | { kind: 'ended'; how: string };

function verifyInChild(files: string, mode: PolicyMode): Promise<Run> {
	const child = spawn(process.execPath, [script, files, mode], {
		stdio: ['ignore', 'pipe', 'pipe'],
		timeout: killedAfterMs,
	});
	let stdout = '';
	let stderr = '';
	child.stdout.setEncoding('utf8').on('data', (text: string) => {
		stdout += text;
	});
	child.stderr.setEncoding('utf8').on('data', (text: string) => {
		stderr += text.slice(0, 2000);
	});
	return new Promise((resolve) =>
		child.on('close', (code, signal) =>
			resolve(
				code === 0
					? { kind: 'answer', answer: JSON.parse(stdout) as ChildAnswer }
					: { kind: 'ended', how: `${signal ?? code}: ${stderr}` },
			),
		),
	);
}

suite('no input makes a verification crash, hang or grow', { concurrency: 1 }, () => {
	for (const [i, input] of hostileInputs.entries())
		test(input.name, async (t) => {
			const place = join(folder, `${i}`);
			const inputs = await input.make(createMaker('hostile', Date.now()));
			const files = join(place, 'files.json');
			writeFileSync(files, JSON.stringify(writeInputs(place, inputs)));
			const runs = await Promise.all(modes.map((mode) => verifyInChild(files, mode)));
			for (const [m, run] of runs.entries()) {
				const mode = modes[m];
				assert.ok(run.kind === 'answer', `${mode}: ${run.kind === 'ended' ? run.how : ''}`);
				const { accepted, reason, ms, peakMb } = run.answer;
				t.diagnostic(
					`${mode}: ${accepted ? 'accepted' : 'rejected'}, ${ms} ms, peak ${peakMb} MB: ${reason.slice(0, 200)}`,
				);
				assert.ok(ms <= secondsMax * 1000, `${mode}: ${ms} ms`);
				assert.ok(peakMb <= peakMbMax, `${mode}: peak ${peakMb} MB`);
			}
			rmSync(place, { recursive: true, force: true });
		});
});
