import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { runCli, temporaryFolder } from '../run-cli.ts';

test('policies are rendered for the configured workspaces, and not for where we write ourselves', async (t) => {
	const dir = temporaryFolder(t);
	const env = { AFFIDAVIT_WORKSPACES: '/home/ci/work', AFFIDAVIT_DATA_DIR: '/srv/affidavit' };
	const printed = await runCli(['policies', 'render'], { env });
	assert.equal(printed.code, 0, printed.stderr);
	const documents = parseAllDocuments(printed.stdout);
	assert.ok(documents.every((document) => 'errors' in document && document.errors.length === 0));
	assert.match(printed.stdout, /\/home\/ci\/work\//);
	assert.match(printed.stdout, /\/srv\/affidavit\//);
	const written = await runCli(['policies', 'render', '--shape', 'watched', '--dir', join(dir, 'p')], { env });
	assert.equal(written.code, 0, written.stderr);
	const files = readdirSync(join(dir, 'p'));
	assert.equal(files.length, documents.length);
	assert.equal(written.stdout.trimEnd().split('\n').length, files.length);
	assert.ok(files.every((file) => readFileSync(join(dir, 'p', file), 'utf8').includes('kind: "TracingPolicy"')));
});

test('a workspace that holds our own data is refused', async () => {
	const env = { AFFIDAVIT_WORKSPACES: '/srv', AFFIDAVIT_DATA_DIR: '/srv/affidavit' };
	const { code, stderr } = await runCli(['policies', 'render'], { env });
	assert.equal(code, 78);
	assert.match(stderr, /\/srv/);
});
