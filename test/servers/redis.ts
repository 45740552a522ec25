// A real Redis on a free loopback port, in a temporary folder.
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { freePorts } from './free-port.ts';
import { guardedFolder, removeFolder } from './guard.ts';
import { redisServer } from './redis-tool.ts';
import { type ServerProcess, serverProcess } from './server-process.ts';

export interface RedisOptions {
	/** Append-only file: how often it is synced; `off`: nothing survives a restart. Default `everysec`. */
	aof?: 'off' | 'everysec' | 'always';
	/** Default: a free one. */
	port?: number;
	/** More configuration, as on redis-server's command line, without the dashes. */
	config?: Readonly<Record<string, string | number>>;
}

export interface RedisServer extends ServerProcess {
	/** For REDIS_URL. */
	url: string;
	port: number;
	folder: string;
	logFile: string;
	/** Copies the append-only file as it is now; the server may run. */
	copyData(): string;
	/** Puts such a copy in place of the data; the server must be down. */
	restoreData(copy: string): void;
	/** Stops it and removes its folder. */
	[Symbol.asyncDispose](): Promise<void>;
}

const readyMsMax = 60_000;
const pingMsMax = 1_000;

/** Started and answering PING. Throws MissingTool. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
	const command = await redisServer();
	const port = options.port ?? (await freePorts());
	const folder = guardedFolder('redis');
	const data = join(folder, 'data');
	mkdirSync(data);
	const aof = options.aof ?? 'everysec';
	const config = {
		port,
		bind: '127.0.0.1',
		dir: data,
		save: '',
		appendonly: aof === 'off' ? 'no' : 'yes',
		appendfsync: aof === 'off' ? 'no' : aof,
		...options.config,
	};
	const logFile = join(folder, 'redis.log');
	const server = serverProcess({
		name: 'Redis',
		command,
		args: Object.entries(config).flatMap(([name, value]) => [`--${name}`, String(value)]),
		cwd: folder,
		logFile,
		isReady: () => answersPing(port),
		readyMsMax,
	});
	const dispose = async (): Promise<void> => {
		await server.kill9();
		removeFolder(folder);
	};
	try {
		await server.start();
	} catch (error) {
		await dispose();
		throw error;
	}
	return {
		...server,
		url: `redis://127.0.0.1:${port}`,
		port,
		folder,
		logFile,
		copyData: () => {
			const copy = mkdtempSync(join(folder, 'copy-'));
			cpSync(data, copy, { recursive: true });
			return copy;
		},
		restoreData: (copy) => {
			if (server.pid() !== null) throw new Error('Redis is running: its data cannot be replaced');
			rmSync(data, { recursive: true, force: true });
			cpSync(copy, data, { recursive: true });
		},
		[Symbol.asyncDispose]: dispose,
	};
}

/** While it loads its data it answers with an error. A server that asks for a password is up as well. */
function answersPing(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = createConnection(port, '127.0.0.1', () => socket.write('PING\r\n'));
		const end = (ready: boolean): void => {
			socket.destroy();
			resolve(ready);
		};
		socket.setTimeout(pingMsMax, () => end(false));
		socket.once('error', () => end(false));
		socket.once('close', () => end(false));
		socket.once('data', (answer) =>
			end(answer.toString().startsWith('+PONG') || answer.toString().startsWith('-NOAUTH')),
		);
	});
}
