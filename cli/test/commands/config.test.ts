import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { runCli, temporaryFolder } from '../run-cli.ts';

test('config print shows what is in force, with origins, secrets masked', async (t) => {
	const dir = temporaryFolder(t);
	writeFileSync(
		join(dir, 'affidavit.yaml'),
		'step: compile\nrepositories:\n  a/b: https://bot:hunter2@git.example/a.git?token=hunter2\nwebhook:\n  url: https://hooks.example/T0/hunter2\n  secretEnv: S\n',
	);
	const options = { cwd: dir, env: { AFFIDAVIT_LOG__LEVEL: 'debug' } };
	const json = await runCli(['config', 'print', '--origins', '--json', '--data', 'd'], options);
	assert.equal(json.code, 0, json.stderr);
	const { config, origins } = JSON.parse(json.stdout);
	assert.equal(config.dataDir, join(dir, 'd'));
	assert.equal(config.log.level, 'debug');
	assert.equal(config.repositories['a/b'], 'https://***@git.example/a.git?***');
	assert.equal(config.webhook.url, 'https://hooks.example/***');
	assert.equal(origins['dataDir'], 'flag --data');
	assert.equal(origins['log.level'], 'environment AFFIDAVIT_LOG__LEVEL');
	assert.equal(origins['step'], 'affidavit.yaml line 1');
	assert.equal(origins['skewMsMax'], 'default');
	assert.doesNotMatch(json.stdout, /hunter2/);
	const yaml = await runCli(['config', 'print', '--origins'], options);
	assert.equal(parse(yaml.stdout).step, 'compile');
	assert.match(yaml.stdout, /step: compile # affidavit\.yaml line 1/);
	assert.doesNotMatch(yaml.stdout, /hunter2/);
});

test('a wrong configuration exits 78 and names the key; so does a missing file', async (t) => {
	const dir = temporaryFolder(t);
	writeFileSync(join(dir, 'affidavit.yaml'), 'stepp: x\n');
	for (const command of [['config', 'print'], ['sessions'], ['keys', 'list']]) {
		const { code, stdout, stderr } = await runCli(command, { cwd: dir });
		assert.equal(code, 78);
		assert.match(stderr, /stepp \(affidavit\.yaml line 1\): unknown key/);
		assert.equal(stdout, '');
	}
	const missing = await runCli(['config', 'print', '--config', 'absent.yaml'], { cwd: dir });
	assert.equal(missing.code, 78);
	assert.match(missing.stderr, /absent\.yaml/);
	const other = await runCli(['config', 'print'], { cwd: dir, env: { AFFIDAVIT_CONFIG: '/dev/null' } });
	assert.equal(other.code, 0, other.stderr);
});
