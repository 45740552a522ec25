// Services as processes, as a service manager runs them.
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import { launcher } from '../run-cli.ts';

export interface ServiceProcess {
	child: ChildProcess;
	/** What it told on stdout. */
	events: { event: string; url?: string }[];
	stderr: () => string;
	/** Resolves with the base URL of its port. */
	url(): Promise<string>;
	ready(): Promise<void>;
	/** SIGTERM; resolves with the exit code. */
	stop(): Promise<number | null>;
	exited: Promise<number | null>;
}

const waitMsMax = 60_000;

export function startService(
	t: TestContext,
	name: string,
	configFile: string,
	args: readonly string[] = [],
): ServiceProcess {
	const child = spawn(process.execPath, [launcher, 'service', name, '--config', configFile, '--json', ...args], {
		env: { PATH: process.env['PATH'] ?? '', HOME: tmpdir() },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const events: ServiceProcess['events'] = [];
	let rest = '';
	let stderr = '';
	child.stdout.setEncoding('utf8').on('data', (text: string) => {
		const lines = (rest + text).split('\n');
		rest = lines.pop() ?? '';
		events.push(...lines.map((line) => JSON.parse(line) as ServiceProcess['events'][number]));
	});
	child.stderr.setEncoding('utf8').on('data', (text: string) => {
		stderr += text;
	});
	let gone = false;
	const exited = new Promise<number | null>((resolve) => {
		child.on('close', (code) => {
			gone = true;
			resolve(code);
		});
	});
	t.after(() => child.kill('SIGKILL'));
	const heard = async (event: string): Promise<ServiceProcess['events'][number]> => {
		const until = Date.now() + waitMsMax;
		for (;;) {
			const found = events.find((one) => one.event === event);
			if (found) return found;
			if (gone || Date.now() > until) throw new Error(`${name}: not ${event}: ${stderr}`);
			await delay(50);
		}
	};
	return {
		child,
		events,
		stderr: () => stderr,
		url: async () => (await heard('listening')).url ?? '',
		ready: async () => void (await heard('ready')),
		stop: () => {
			child.kill('SIGTERM');
			return exited;
		},
		exited,
	};
}

/** Writes affidavit.yaml into `dir`: all services of a small fleet, each with a port of its own. */
export function writeConfig(
	dir: string,
	{ brokers, redisUrl, prefix }: { brokers: string; redisUrl: string; prefix: string },
	more: Record<string, unknown> = {},
): string {
	const path = join(dir, 'affidavit.yaml');
	writeFileSync(
		path,
		stringify({
			dataDir: join(dir, 'data'),
			kafka: {
				brokers: brokers.split(','),
				topicPrefix: prefix,
				partitions: 2,
				replicationFactor: 1,
				minInsyncReplicas: 1,
			},
			redis: { url: redisUrl, keyPrefix: prefix },
			ops: { port: 0 },
			...more,
		}),
	);
	return path;
}

/** Values of a metric by its labels' text. */
export async function scrape(url: string, name: string): Promise<Map<string, number>> {
	const text = await (await fetch(`${url}/metrics`)).text();
	const values = new Map<string, number>();
	for (const line of text.split('\n')) {
		const match = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
		if (match?.[1] === name) values.set(match[2] ?? '', Number(match[3]));
	}
	return values;
}
