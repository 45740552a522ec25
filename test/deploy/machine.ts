// What compose.yaml starts in containers, started by hand on loopback: the same commands, scripts and configuration files, with
// the containers' paths and addresses put into those of a temporary folder.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { basename, join } from 'node:path';
import { repoRoot } from '../e2e/affidavit.ts';
import { freePorts } from '../servers/free-port.ts';
import { guardProcess } from '../servers/guard.ts';
import { kafkaVersion } from '../servers/kafka.ts';
import { kafkaFiles } from '../servers/kafka-jars.ts';
import { redisServer } from '../servers/redis-tool.ts';
import { type ServerProcess, serverProcess } from '../servers/server-process.ts';
import { type ComposeService, composeFolder, interpolate, readCompose } from './compose-file.ts';

export interface Machine {
	folder: string;
	ports: { kafka: number; redis: number };
	/** Where a path of the service's container is here. */
	path(service: string, path: string): string;
	/** Runs a job of compose.yaml to its end; rejects with what it said when that is not 0. `args` in place of its command. */
	job(service: string, args?: readonly string[]): Promise<string>;
	/** As `job`, and resolves with its code too. */
	run(service: string, args: readonly string[]): Promise<{ code: number | null; output: string }>;
	/** Starts kafka or redis, and waits until its port is open. */
	server(service: 'kafka' | 'redis'): Promise<void>;
	/** Starts one container's process; `args` after its command. */
	start(service: string, replica: number, args: readonly string[]): Started;
	/** Stops what runs, the servers last. */
	close(): Promise<void>;
}

export interface Started {
	name: string;
	child: ChildProcess;
	/** Lines of stdout so far, one JSON object each. */
	news: { event: string; url?: string }[];
	errors: () => string;
	exited: Promise<number | null>;
}

const readyMsMax = 180_000;

/** `values`: of the variables that compose.yaml takes from its environment. Throws MissingTool. */
export async function openMachine(folder: string, values: Readonly<Record<string, string>>): Promise<Machine> {
	const { services } = readCompose();
	const files = await kafkaFiles(kafkaVersion);
	const redis = await redisServer();
	const first = await freePorts(3);
	const ports = { kafka: first, controller: first + 1, redis: first + 2 };
	const servers: ServerProcess[] = [];
	const started: Started[] = [];
	const bin = makeBin(folder, files);

	const serviceOf = (name: string): ComposeService => {
		const service = services[name];
		if (service === undefined) throw new Error(`compose.yaml has no service ${name}`);
		return service;
	};
	/** Longest first: a mount within a mount wins. */
	const mounts = (name: string, replica: number): [string, string][] => {
		const own: [string, string][] = (serviceOf(name).volumes ?? []).map(({ type, source, target }) => [
			target,
			placeOf(folder, name, replica, type, source),
		]);
		const fixed: [string, string][] = [
			['/opt/affidavit', repoRoot],
			['/opt/kafka/bin', bin],
			['/secrets', join(folder, 'secrets')],
		];
		return [...own.filter(([target]) => !target.startsWith('/secrets/')), ...fixed].sort(
			(a, b) => b[0].length - a[0].length,
		);
	};
	const here = (text: string, name: string, replica: number): string => {
		const places = new Map(mounts(name, replica));
		// A whole path or the beginning of one, never the middle of another.
		const target = new RegExp(`(?<![\\w./-])(${[...places.keys()].join('|')})(?![\\w.-])`, 'g');
		return interpolate(text, values)
			.replaceAll(/\b(kafka|localhost):9092\b/g, `127.0.0.1:${ports.kafka}`)
			.replaceAll('://:9092', `://127.0.0.1:${ports.kafka}`)
			.replaceAll('localhost:9093', `127.0.0.1:${ports.controller}`)
			.replaceAll('redis:6379', `127.0.0.1:${ports.redis}`)
			.replaceAll(target, (path) => places.get(path) as string);
	};
	/** A folder that is mounted from the repository, with what its files say put into place. */
	const copyOf = (name: string, replica: number, file: string): string => {
		const to = join(folder, 'etc', `${name}-${replica}`);
		mkdirSync(to, { recursive: true });
		const path = join(to, basename(file));
		writeFileSync(path, here(readFileSync(file, 'utf8'), name, replica));
		return path;
	};
	const environmentOf = (name: string, replica: number): Record<string, string> => {
		const environment: Record<string, string> = { PATH: `${bin}:${process.env.PATH}`, HOME: folder };
		for (const [key, value] of Object.entries(serviceOf(name).environment ?? {}))
			environment[key] = here(String(value), name, replica);
		if (environment.AFFIDAVIT_CONFIG !== undefined)
			environment.AFFIDAVIT_CONFIG = copyOf(name, replica, join(composeFolder, 'affidavit.yaml'));
		return environment;
	};
	const launch = (name: string, replica: number, args: readonly string[]): ChildProcess => {
		const isScript = serviceOf(name).image === 'affidavit-setup:local' && args[0]?.endsWith('.sh');
		const child = spawn(isScript ? '/bin/bash' : join(bin, 'affidavit'), [...args], {
			cwd: folder,
			env: environmentOf(name, replica),
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		guardProcess(child);
		return child;
	};
	const commandOf = (name: string, replica: number): string[] =>
		(serviceOf(name).command ?? []).map((argument) => here(argument, name, replica));

	const run: Machine['run'] = async (name, args) => {
		const child = launch(name, 1, args);
		let output = '';
		for (const stream of [child.stdout, child.stderr])
			stream?.setEncoding('utf8').on('data', (text: string) => {
				output += text;
			});
		const code = await exitOf(child);
		return { code, output };
	};

	return {
		folder,
		ports,
		path: (service, path) => here(path, service, 1),
		run,
		async job(name, args = commandOf(name, 1)) {
			const { code, output } = await run(name, args);
			if (code !== 0) throw new Error(`${name}: exit code ${code}\n${output}`);
			return output;
		},
		async server(name) {
			const isKafka = name === 'kafka';
			const server = serverProcess({
				name,
				command: isKafka ? '/bin/bash' : redis,
				args: isKafka
					? [kafkaScript(copyOf, name)]
					: [copyOf(name, 1, join(composeFolder, 'redis/redis.conf')), ...redisArguments(ports.redis)],
				cwd: folder,
				logFile: join(folder, `${name}.log`),
				isReady: () => isOpen(ports[name]),
				readyMsMax,
			});
			servers.push(server);
			await server.start();
		},
		start(name, replica, args) {
			const child = launch(name, replica, [...commandOf(name, replica), ...args]);
			const news: Started['news'] = [];
			let text = '';
			let rest = '';
			child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
				const lines = (rest + chunk).split('\n');
				rest = lines.pop() ?? '';
				for (const line of lines) news.push(JSON.parse(line));
			});
			child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
				text += chunk;
			});
			const one = { name: `${name}-${replica}`, child, news, errors: () => text, exited: exitOf(child) };
			started.push(one);
			return one;
		},
		async close() {
			for (const { child } of started) child.kill('SIGKILL');
			await Promise.all(started.map(({ exited }) => exited));
			for (const server of servers.reverse()) await server.kill9();
		},
	};
}

function placeOf(folder: string, name: string, replica: number, type: string, source: string | undefined): string {
	if (type === 'bind') return join(folder, 'etc', `${name}-${replica}`);
	if (source === undefined) return made(join(folder, 'data', `${name}-${replica}`));
	const secrets = /^secrets-(.+)$/.exec(source)?.[1];
	return made(secrets === undefined ? join(folder, 'volumes', source) : join(folder, 'secrets', secrets));
}

function made(path: string): string {
	mkdirSync(path, { recursive: true });
	return path;
}

/** What the images have on their PATH and in /opt/kafka/bin. */
function makeBin(folder: string, { java, jars }: { java: string; jars: string }): string {
	const bin = made(join(folder, 'bin'));
	symlinkSync(process.execPath, join(bin, 'node'));
	symlinkSync(join(repoRoot, 'cli/bin/affidavit.js'), join(bin, 'affidavit'));
	const javaLine = `exec ${java} -Xmx512m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp '${jars}/*'`;
	const scripts = { 'kafka-storage.sh': 'kafka.tools.StorageTool', 'kafka-server-start.sh': 'kafka.Kafka' };
	for (const [script, main] of Object.entries(scripts)) {
		writeFileSync(join(bin, script), `#!/bin/sh\n${javaLine} ${main} "$@"\n`);
		chmodSync(join(bin, script), 0o755);
	}
	return bin;
}

function kafkaScript(copyOf: (name: string, replica: number, file: string) => string, name: string): string {
	copyOf(name, 1, join(composeFolder, 'kafka/server.properties'));
	return copyOf(name, 1, join(composeFolder, 'kafka/start.sh'));
}

const redisArguments = (port: number): string[] => ['--tls-port', String(port), '--bind', '127.0.0.1'];

function isOpen(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = createConnection(port, '127.0.0.1', () => end(true));
		const end = (open: boolean): void => {
			socket.destroy();
			resolve(open);
		};
		socket.once('error', () => end(false));
	});
}

const exitOf = (child: ChildProcess): Promise<number | null> =>
	new Promise((resolve, reject) => {
		child.once('error', reject);
		child.once('close', (code) => resolve(code));
	});
