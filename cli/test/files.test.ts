import assert from 'node:assert/strict';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CliError } from '../src/errors.ts';
import { fileTrouble, makeFolder } from '../src/files.ts';
import { temporaryFolder } from './run-cli.ts';

const refusal = (says: RegExp) => (error: unknown) =>
	error instanceof CliError && error.code === 'file-unwritable' && says.test(error.message);

test('a folder is made with those above it; one that is there is left as it is', async (t) => {
	const dir = temporaryFolder(t);
	const deep = join(dir, 'a/b/c');
	await makeFolder(deep, 0o700);
	assert.equal(statSync(deep).mode & 0o777, 0o700);
	mkdirSync(join(dir, 'open'), { mode: 0o755 });
	await makeFolder(join(dir, 'open'), 0o700);
	assert.equal(statSync(join(dir, 'open')).mode & 0o777, 0o755);
	await Promise.all([makeFolder(join(dir, 'x/y')), makeFolder(join(dir, 'x/y'))]);
	assert.ok(existsSync(join(dir, 'x/y')));
});

test('a folder that cannot be made is refused in words, and at once', async (t) => {
	const file = join(temporaryFolder(t), 'file');
	writeFileSync(file, '');
	await assert.rejects(makeFolder(file), refusal(/cannot make the folder .*file: .*file is no folder$/));
	await assert.rejects(makeFolder(join(file, 'x')), refusal(/a part of the path is no folder$/));
});

test('below /proc no folder can be made', { skip: !existsSync('/proc/self') && 'no /proc' }, async () => {
	await assert.rejects(makeFolder('/proc/affidavit/x'), refusal(/cannot make the folder/));
});

test('what the system says is told in words; what is not known by its code', () => {
	assert.equal(fileTrouble(Object.assign(new Error(), { code: 'EISDIR' })), 'a folder, expected a file');
	assert.equal(fileTrouble(Object.assign(new Error(), { code: 'EIO' })), 'EIO');
});
