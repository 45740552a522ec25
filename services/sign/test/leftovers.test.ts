// A killed run's temporaries go away with the next run; a living writer's stay.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeLeftovers, temporaryName } from '../src/leftovers.ts';

test('temporaries of processes that are gone are removed, files and folders; others stay', (t) => {
	const folder = mkdtempSync(join(tmpdir(), 'affidavit-leftovers-'));
	t.after(() => rmSync(folder, { recursive: true, force: true }));
	const { pid } = spawnSync(process.execPath, ['--version']);
	writeFileSync(join(folder, `vsa.dsse.json.${pid}.tmp`), 'half');
	mkdirSync(join(folder, `p0.${pid}.tmp/sign-x`), { recursive: true });
	writeFileSync(temporaryName(join(folder, 'vsa.dsse.json')), 'being written');
	const kept = [`vsa.dsse.json.${process.pid}.tmp`, 'vsa.dsse.json', 'notes.tmp', 'x.12345678901.tmp', 'x.0.tmp'];
	for (const name of kept.slice(1)) writeFileSync(join(folder, name), '');
	removeLeftovers(folder);
	assert.deepEqual(readdirSync(folder).sort(), [...kept].sort());
	removeLeftovers(join(folder, 'not-there'));
});
