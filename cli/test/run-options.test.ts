import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Command } from 'commander';
import { CliError, exitUsage } from '../src/errors.ts';
import { readableFile, wholeNumber } from '../src/option-values.ts';
import { type RunOptions, runFlags, runOptions } from '../src/run-options.ts';
import { temporaryFolder } from './run-cli.ts';

function parsed(...args: string[]): RunOptions {
	const command = runOptions(new Command())
		.exitOverride()
		.configureOutput({ writeErr: () => {} });
	return command.parse(args, { from: 'user' }).opts();
}

test('repeated options become configuration, with the flag as origin', (t) => {
	const list = join(temporaryFolder(t), 'bad.txt');
	writeFileSync(list, '');
	const options = parsed(
		'--repo',
		'a/b=https://h/x?y=z',
		'--repo',
		'__proto__=/tmp/x',
		'--indicators',
		list,
		'--out',
		'o',
	);
	assert.deepEqual(runFlags(options), [
		{ path: ['repositories', 'a/b'], value: 'https://h/x?y=z', flag: '--repo' },
		{ path: ['repositories', '__proto__'], value: '/tmp/x', flag: '--repo' },
		{ path: ['indicators'], value: [list], flag: '--indicators' },
		{ path: ['outDir'], value: 'o', flag: '--out' },
	]);
	assert.deepEqual(runFlags({}), []);
});

test('a wrong value is refused and named', () => {
	for (const [value, pattern] of [
		['a/b', /NAME=LOCATION/],
		['a=ext::sh', /transport helper/],
		['a=ftp://user:hunter2@host/x', /protocol/],
	] as const)
		assert.throws(
			() => parsed('--repo', value),
			(error) =>
				error instanceof CliError &&
				error.exitCode === exitUsage &&
				pattern.test(error.message) &&
				!error.message.includes('hunter2'),
		);
	for (const [args, pattern] of [
		[['--indicators', '/absent/list'], /\/absent\/list: no such file/],
		[['--key', '/'], /a folder, expected a file/],
	] as const)
		assert.throws(
			() => parsed(...args),
			(error) => error instanceof CliError && error.exitCode === exitUsage && pattern.test(error.message),
		);
	assert.throws(() => wholeNumber(1, 5)('6'), /from 1 to 5/);
	assert.equal(readableFile(import.meta.filename), import.meta.filename);
});
