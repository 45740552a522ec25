// A killed run's temporaries go away with the next run; a living writer's stay.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { removeLeftovers, temporaryName } from '../src/leftovers.ts';

test('temporaries of processes that are gone are removed, files and folders; others stay', (t) => {
	const folder = mkdtempSync(join(tmpdir(), 'affidavit-leftovers-'));
	t.after(() => rmSync(folder, { recursive: true, force: true }));
	const { pid } = spawnSync(process.execPath, ['--version']);
	const own = basename(temporaryName(join(folder, 'vsa.dsse.json')));
	const dead = (name: string): string => basename(temporaryName(name)).replace(`.${process.pid}.`, `.${pid}.`);
	writeFileSync(join(folder, dead('vsa.dsse.json')), 'half');
	mkdirSync(join(folder, dead('p0'), 'sign-x'), { recursive: true });
	writeFileSync(join(folder, own), 'being written');
	// Another machine's writer with the same process id, and one that wrote a week ago.
	const foreign = `vsa.dsse.json.0123456789ab.${pid}.tmp`;
	const old = `index.dsse.json.0123456789ab.${pid}.tmp`;
	const kept = [own, foreign, 'vsa.dsse.json', 'notes.tmp', `x.${pid}.tmp`, 'x.0123456789ab.12345678901.tmp'];
	for (const name of [...kept.slice(1), old]) writeFileSync(join(folder, name), '');
	const weekAgo = Date.now() / 1000 - 7 * 24 * 3600;
	utimesSync(join(folder, old), weekAgo, weekAgo);
	removeLeftovers(folder);
	assert.deepEqual(readdirSync(folder).sort(), [...kept].sort());
	removeLeftovers(join(folder, 'not-there'));
});
