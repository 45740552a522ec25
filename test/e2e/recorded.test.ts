// Every recorded stream gives what its expect.json says, through the real command.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { affidavit, fixtures, processFiles, temporaryFolder } from './affidavit.ts';
import { differences, processOptions, readExpectation } from './expectation.ts';

const streams = readdirSync(fixtures).filter((name) => /^\d/.test(name));
const later = new Set(['08-container-clean', '08b-container-swap', '08c-docker-build', '08d-container-ns']);

for (const stream of streams.filter((name) => !later.has(name)))
	test(`recorded ${stream}`, async (t) => {
		const expectation = readExpectation(stream);
		const data = temporaryFolder(t);
		const { run, sessions } = await processFiles(
			t,
			[join(fixtures, stream, 'events.jsonl.gz')],
			processOptions(stream, expectation, data),
		);
		assert.deepEqual(differences(expectation, sessions), [], run.stderr);
		const passed = sessions.every((s) => s.verdict === 'passed');
		assert.equal(run.code, passed ? 0 : 1, run.stderr);
		const mixUps = sessions.reduce((sum, s) => sum + s.completeness.sensorMixUps, 0);
		// The patched sensor makes no mix-ups; these recordings of the real one hold some inside their sessions.
		if (stream === '11-fixed-sensor') assert.equal(mixUps, 0);
		if (['01-go-clean', '01b-go-clean-warm', '02a-go-swap'].includes(stream)) assert.ok(mixUps > 0);
		if (stream === '09-loss') {
			const [session] = sessions;
			assert.equal(session?.completeness.lostEvents, 373);
			assert.ok(session?.completeness.gaps.some((g) => g.detail.includes('tetragon_bpf_missed_events_total')));
		}
	});

for (const stream of later)
	test(`recorded ${stream}: processed without error, container opens keep path, device and inode`, async (t) => {
		const { run, sessions, data } = await processFiles(t, [join(fixtures, stream, 'events.jsonl.gz')]);
		assert.ok(run.code === 0 || run.code === 1, run.stderr);
		assert.ok(sessions.length > 0);
		if (stream === '08c-docker-build') return; // no containerised process is in its session (README there)
		const opens: { path: string; dev: number; ino: string }[] = [];
		for (const { session } of sessions) {
			const show = await affidavit(['session', 'show', session, '--data', data, '--json']);
			assert.equal(show.code, 0, show.stderr);
			const { trace } = JSON.parse(show.stdout) as {
				trace: { files: { op: string; path: string; dev: number; ino: string }[] };
			};
			opens.push(...trace.files.filter((f) => f.op === 'read' && f.path.startsWith('/src/src/')));
		}
		assert.ok(opens.length > 0);
		for (const open of opens) assert.ok(open.dev > 0 && /^\d+$/.test(open.ino), JSON.stringify(open));
	});
