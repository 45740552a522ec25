// A server that can die and come back on the same data and port, and never outlives the test.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { guardProcess } from './guard.ts';

export interface ServerProcess {
	/** Of the running process; null while it is down. */
	readonly pid: () => number | null;
	/** Resolves when it answers. Rejects when it is running already, dies, or does not answer within the time. */
	start(): Promise<void>;
	/** SIGTERM, after `stopMsMax` SIGKILL; nothing when it is down. */
	stop(): Promise<void>;
	/** SIGKILL; nothing when it is down. */
	kill9(): Promise<void>;
	/** Stops answering, with all connections open; `resume` wakes it. */
	pause(): void;
	resume(): void;
}

export interface ServerCommand {
	name: string;
	command: string;
	args: readonly string[];
	cwd: string;
	/** Its output, appended over all starts. */
	logFile: string;
	/** One attempt; throws or resolves to false while the server is not ready. */
	isReady(): Promise<boolean>;
	readyMsMax: number;
}

const stopMsMax = 10_000;
const pollMs = 50;
const logTailCharacters = 2_000;

export function serverProcess(options: ServerCommand): ServerProcess {
	let child: ChildProcess | null = null;
	let exited: Promise<void> = Promise.resolve();

	const end = async (signal: NodeJS.Signals): Promise<void> => {
		const running = child;
		if (running === null) return;
		running.kill(signal);
		// A stopped process takes SIGTERM only when it is woken.
		running.kill('SIGCONT');
		const timer = setTimeout(() => running.kill('SIGKILL'), stopMsMax);
		await exited;
		clearTimeout(timer);
	};

	const start = async (): Promise<void> => {
		if (child !== null) throw new Error(`${options.name} is running already`);
		const log = openSync(options.logFile, 'a');
		const started = spawn(options.command, [...options.args], {
			cwd: options.cwd,
			stdio: ['ignore', log, log],
			detached: true,
		});
		closeSync(log);
		guardProcess(started);
		child = started;
		let failure: string | null = null;
		exited = new Promise((resolve) => {
			const ended = (why: string): void => {
				failure = why;
				child = null;
				resolve();
			};
			started.once('error', (error) => ended(error.message));
			started.once('exit', (code, signal) => ended(`it ended with ${signal ?? code}`));
		});
		const untilMs = performance.now() + options.readyMsMax;
		for (;;) {
			if (failure !== null) throw new Error(`${options.name} did not start: ${failure}\n${logTail(options.logFile)}`);
			if (await options.isReady().catch(() => false)) return;
			if (performance.now() > untilMs) {
				await end('SIGKILL');
				throw new Error(`${options.name} was not ready within ${options.readyMsMax} ms\n${logTail(options.logFile)}`);
			}
			await sleep(pollMs);
		}
	};

	return {
		pid: () => child?.pid ?? null,
		start,
		stop: () => end('SIGTERM'),
		kill9: () => end('SIGKILL'),
		pause: () => void child?.kill('SIGSTOP'),
		resume: () => void child?.kill('SIGCONT'),
	};
}

const logTail = (file: string): string => readFileSync(file, 'utf8').slice(-logTailCharacters);
