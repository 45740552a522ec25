// A process of the fleet: started, killed, paused, and started again with the same files. One that ends by itself is a fault of ours.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { repoRoot } from '../e2e/affidavit.ts';
import { guardProcess } from '../servers/guard.ts';

export interface FleetChild {
	readonly name: string;
	readonly isRunning: () => boolean;
	/** Objects that it printed since its last start, one a line. */
	readonly news: () => readonly Record<string, unknown>[];
	start(): void;
	/** Resolves when it is gone. */
	kill9(): Promise<void>;
	/** SIGTERM; resolves when it is gone. */
	terminate(): Promise<void>;
	pause(): void;
	resume(): void;
	/** Resolves when the process that runs now has ended, however. */
	ended(): Promise<void>;
	/** Exit code of the last end that nobody caused; null: none yet. */
	readonly ownEnd: () => number | null;
}

/** How long a SIGTERM may take: a drain, and the group's goodbye. */
const terminateMsMax = 20_000;

export function fleetChild(name: string, args: readonly string[], logFile: string): FleetChild {
	let child: ChildProcess | null = null;
	let exited: Promise<void> = Promise.resolve();
	let news: Record<string, unknown>[] = [];
	let isWanted = true;
	let ownEnd: number | null = null;

	const end = async (signal: NodeJS.Signals): Promise<void> => {
		const running = child;
		if (running === null) return;
		isWanted = false;
		running.kill(signal);
		if (signal !== 'SIGKILL') running.kill('SIGCONT');
		const timer = setTimeout(() => running.kill('SIGKILL'), terminateMsMax);
		await exited;
		clearTimeout(timer);
	};

	return {
		name,
		isRunning: () => child !== null,
		news: () => news,
		ownEnd: () => ownEnd,
		start() {
			if (child !== null) return;
			const log = openSync(logFile, 'a');
			const started = spawn(process.execPath, [...nodeFlags, ...args], {
				cwd: repoRoot,
				stdio: ['ignore', 'pipe', log],
				detached: true,
			});
			closeSync(log);
			guardProcess(started);
			child = started;
			isWanted = true;
			ownEnd = null;
			news = [];
			const own = news;
			let rest = '';
			started.stdout?.setEncoding('utf8').on('data', (text: string) => {
				const lines = (rest + text).split('\n');
				rest = lines.pop() ?? '';
				for (const line of lines) if (line.startsWith('{')) own.push(JSON.parse(line) as Record<string, unknown>);
			});
			exited = new Promise((resolve) => {
				started.once('exit', (code) => {
					child = null;
					if (isWanted) ownEnd = code ?? -1;
					resolve();
				});
			});
		},
		kill9: () => end('SIGKILL'),
		terminate: () => end('SIGTERM'),
		pause: () => void child?.kill('SIGSTOP'),
		resume: () => void child?.kill('SIGCONT'),
		ended: () => exited,
	};
}

const nodeFlags = ['--disable-warning=ExperimentalWarning'];

export const lastWords = (logFile: string, characters = 3_000): string =>
	readFileSync(logFile, 'utf8').slice(-characters);
