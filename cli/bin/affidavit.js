#!/usr/bin/env node
// Plain JavaScript that old versions of Node can parse: it finds a Node that can run the TypeScript sources, and starts them.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const nodeMajorMin = 24;
const launchedMark = 'AFFIDAVIT_LAUNCHED';
const exitUsage = 2;

/** The Node that `npm ci` put beside the sources: the nearest node_modules/.bin/node above this file. */
function bundledNode() {
	let dir = dirname(fileURLToPath(import.meta.url));
	for (;;) {
		const candidate = join(dir, 'node_modules', '.bin', 'node');
		if (existsSync(candidate)) return candidate;
		const parent = dirname(dir);
		if (parent === dir) return undefined;
		dir = parent;
	}
}

function refuse(message) {
	process.stderr.write(`affidavit: ${message}\n`);
	process.exit(exitUsage);
}

/** Runs this launcher again under `node`; signals go there, its exit comes back. */
function relaunch(node) {
	// The IPC channel carries no messages: it lets the child notice that this process was killed.
	const child = spawn(
		node,
		['--disable-warning=ExperimentalWarning', fileURLToPath(import.meta.url), ...process.argv.slice(2)],
		{
			stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
			env: { ...process.env, [launchedMark]: '1' },
		},
	);
	for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']) {
		process.on(signal, () => {
			// A terminal sends Ctrl-C to the whole process group: forwarding it would make it two.
			if ((signal === 'SIGINT' || signal === 'SIGQUIT') && process.stdin.isTTY) return;
			child.kill(signal);
		});
	}
	child.on('error', (error) => refuse(`cannot start ${node}: ${error.message}`));
	child.on('exit', (code, signal) => {
		process.exit(signal === null ? (code === null ? 1 : code) : 128 + (constants.signals[signal] || 0));
	});
}

/** A launched child must not outlive a launcher that was killed: it drains as on SIGTERM. */
function followLauncher() {
	delete process.env[launchedMark];
	if (!process.channel) return;
	process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
	process.channel.unref();
}

/** Users need not read that node:sqlite is experimental; every other warning is shown. */
function hideExperimentalWarnings() {
	const emitWarning = process.emitWarning;
	process.emitWarning = (warning, ...rest) => {
		const type = typeof rest[0] === 'object' && rest[0] !== null ? rest[0].type : rest[0];
		const name = warning instanceof Error ? warning.name : type;
		if (name !== 'ExperimentalWarning') emitWarning.call(process, warning, ...rest);
	};
}

const launched = process.env[launchedMark] === '1';
if (Number(process.versions.node.split('.')[0]) >= nodeMajorMin) {
	hideExperimentalWarnings();
	if (launched) followLauncher();
	await import('../src/main.ts');
} else {
	const node = launched ? undefined : bundledNode();
	if (node === undefined)
		refuse(
			`needs Node ${nodeMajorMin} or newer, this is ${process.version}, and there is no node_modules/.bin/node above ${dirname(fileURLToPath(import.meta.url))}; run \`npm ci\` in the repository (with its optional dependencies), or use a newer Node`,
		);
	relaunch(node);
}
