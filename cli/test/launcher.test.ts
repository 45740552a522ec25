import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { launcher, repoRoot, runCli, temporaryFolder } from './run-cli.ts';

test('--help lists the commands with examples, --version the version', async () => {
	const help = await runCli(['--help']);
	assert.equal(help.code, 0);
	assert.match(help.stdout, /sessions/);
	assert.match(help.stdout, /Examples:/);
	assert.equal(help.stderr, '');
	const version = await runCli(['--version']);
	const { version: expected } = JSON.parse(readFileSync(join(repoRoot, 'cli/package.json'), 'utf8'));
	assert.equal(version.stdout, `${expected}\n`);
});

test('wrong use exits 2 and names what was wrong', async () => {
	const option = await runCli(['sessions', '--frobnicate']);
	assert.equal(option.code, 2);
	assert.match(option.stderr, /--frobnicate/);
	const command = await runCli(['frobnicate']);
	assert.equal(command.code, 2);
	assert.match(command.stderr, /frobnicate/);
});

/** Names below `Commands:` in a help text, without `help` itself. */
const subcommands = (help: string): string[] =>
	[...(/\nCommands:\n((?: {2}.*\n)*)/.exec(help)?.[1] ?? '').matchAll(/^ {2}([a-z-]+)/gm)]
		.map((match) => match[1] as string)
		.filter((name) => name !== 'help');

test('every command has --json and --help with examples', async () => {
	const visited: string[] = [];
	const visit = async (path: readonly string[]): Promise<void> => {
		const { code, stdout } = await runCli([...path, '--help']);
		const name = path.join(' ');
		assert.equal(code, 0, name);
		const below = subcommands(stdout);
		if (below.length > 0) return void (await Promise.all(below.map((sub) => visit([...path, sub]))));
		visited.push(name);
		assert.match(stdout, /--json/, name);
		assert.match(stdout, /Examples:\n {2}\$ /, name);
	};
	await visit([]);
	for (const name of [
		'sessions',
		'session show',
		'verify',
		'keys list',
		'keys show',
		'keys create',
		'policies render',
		'config print',
	])
		assert.ok(visited.includes(name), name);
});

/** A copy of the launcher whose process believes that it runs on Node 20, with `main` as its program. */
function oldNode(dir: string, main: string, bundled: boolean): string[] {
	mkdirSync(join(dir, 'cli/bin'), { recursive: true });
	mkdirSync(join(dir, 'cli/src'), { recursive: true });
	mkdirSync(join(dir, 'node_modules/.bin'), { recursive: true });
	copyFileSync(launcher, join(dir, 'cli/bin/affidavit.js'));
	writeFileSync(join(dir, 'cli/package.json'), '{"type":"module"}');
	writeFileSync(join(dir, 'cli/src/main.ts'), main);
	const preload = join(dir, 'old.cjs');
	writeFileSync(
		preload,
		`if (!process.env.AFFIDAVIT_LAUNCHED) Object.defineProperty(process.versions, 'node', { value: '20.0.0' });`,
	);
	if (bundled) symlinkSync(process.execPath, join(dir, 'node_modules/.bin/node'));
	return ['--require', preload, join(dir, 'cli/bin/affidavit.js')];
}

test('an old Node starts the bundled one with the same arguments, and hands its exit code on', async (t) => {
	const dir = temporaryFolder(t);
	const main =
		'process.stdout.write(JSON.stringify(process.argv.slice(2)) + Object.keys(process.env).filter((k) => k.startsWith("AFFIDAVIT")));process.exitCode = 7;';
	const child = spawn(process.execPath, [...oldNode(dir, main, true), 'a', '--b=c d'], {
		stdio: ['ignore', 'pipe', 'inherit'],
		// Without what the tests themselves are told (REQUIRE_SERVERS).
		env: { PATH: process.env['PATH'] ?? '' },
	});
	let stdout = '';
	child.stdout.on('data', (chunk) => {
		stdout += chunk;
	});
	const [code] = await once(child, 'close');
	assert.equal(stdout, '["a","--b=c d"]');
	assert.equal(code, 7);
});

test('signals reach the bundled Node', async (t) => {
	const dir = temporaryFolder(t);
	const main =
		'process.on("SIGTERM", () => { process.exit(9); }); setInterval(() => {}, 1000); process.stdout.write("up");';
	const child = spawn(process.execPath, oldNode(dir, main, true), { stdio: ['ignore', 'pipe', 'inherit'] });
	await once(child.stdout, 'data');
	child.kill('SIGTERM');
	const [code] = await once(child, 'close');
	assert.equal(code, 9);
});

test('a launcher that is killed takes the bundled Node with it', async (t) => {
	const dir = temporaryFolder(t);
	const main =
		'process.on("SIGTERM", () => { process.stdout.write("drained"); process.exit(0); }); setInterval(() => {}, 1000); process.stdout.write("up");';
	const child = spawn(process.execPath, oldNode(dir, main, true), { stdio: ['ignore', 'pipe', 'inherit'] });
	let stdout = '';
	child.stdout.on('data', (chunk) => {
		stdout += chunk;
	});
	await once(child.stdout, 'data');
	child.kill('SIGKILL');
	// The pipe closes only when the last process that holds it is gone.
	await once(child.stdout, 'close');
	assert.equal(stdout, 'updrained');
});

test('without a Node that will do it says what is missing and exits 2', async (t) => {
	const dir = temporaryFolder(t);
	const child = spawn(process.execPath, oldNode(dir, '', false), { stdio: ['ignore', 'ignore', 'pipe'] });
	let stderr = '';
	child.stderr.on('data', (chunk) => {
		stderr += chunk;
	});
	const [code] = await once(child, 'close');
	assert.equal(code, 2);
	assert.match(stderr, /needs Node 24 or newer.*npm ci/s);
});
