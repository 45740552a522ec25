// Sentinel, Cluster and TLS set-ups of real servers.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePorts } from '../../../../test/servers/free-port.ts';
import { guardedFolder, removeFolder } from '../../../../test/servers/guard.ts';
import { type RedisServer, startRedis } from '../../../../test/servers/redis.ts';
import { redisServer } from '../../../../test/servers/redis-tool.ts';
import { serverProcess } from '../../../../test/servers/server-process.ts';
import { MissingTool } from '../../../../test/servers/tools.ts';

/** Skips the test where a tool is missing. */
export async function orSkip<T>(t: Pick<TestContext, 'skip'>, start: () => Promise<T>): Promise<T | null> {
	try {
		return await start();
	} catch (error) {
		if (!(error instanceof MissingTool)) throw error;
		t.skip(error.message);
		return null;
	}
}

export async function until(what: string, isTrue: () => Promise<boolean>, msMax = 20_000): Promise<void> {
	for (const untilMs = performance.now() + msMax; performance.now() < untilMs; await delay(50))
		if (await isTrue().catch(() => false)) return;
	throw new Error(`${what}: not within ${msMax} ms`);
}

async function onServer<T>(url: string, ask: (redis: Redis) => Promise<T>): Promise<T> {
	const redis = new Redis(url, { maxRetriesPerRequest: 0 });
	redis.on('error', () => {});
	try {
		return await ask(redis);
	} finally {
		redis.disconnect();
	}
}

export interface SentinelGroup extends AsyncDisposable {
	master: RedisServer;
	replica: RedisServer;
	sentinelPort: number;
	masterName: string;
	/** Gives the Sentinel a user, password `secret`. */
	addUser(name: string, rules: readonly string[]): Promise<void>;
	/** Port of who is master by the Sentinel's word. */
	masterPort(): Promise<number>;
}

/** A master, its replica, and one Sentinel that fails over after 500 ms. */
export async function startSentinelGroup(): Promise<SentinelGroup> {
	const command = await redisServer();
	const masterName = 'fleet';
	const master = await startRedis();
	const replica = await startRedis({ config: { replicaof: `127.0.0.1 ${master.port}` } });
	const folder = guardedFolder('sentinel');
	const port = await freePorts();
	const conf = join(folder, 'sentinel.conf');
	writeFileSync(
		conf,
		[
			`port ${port}`,
			'bind 127.0.0.1',
			`dir ${folder}`,
			`sentinel monitor ${masterName} 127.0.0.1 ${master.port} 1`,
			`sentinel down-after-milliseconds ${masterName} 500`,
			`sentinel failover-timeout ${masterName} 2000`,
			'',
		].join('\n'),
	);
	const url = `redis://127.0.0.1:${port}`;
	const sentinel = serverProcess({
		name: 'Sentinel',
		command,
		args: [conf, '--sentinel'],
		cwd: folder,
		logFile: join(folder, 'sentinel.log'),
		isReady: () => onServer(url, async (redis) => (await redis.ping()) === 'PONG'),
		readyMsMax: 20_000,
	});
	await sentinel.start();
	// It must know the replica before it can promote it.
	await until('replica known', () =>
		onServer(url, async (redis) => ((await redis.call('SENTINEL', 'REPLICAS', masterName)) as unknown[]).length === 1),
	);
	await until('replica in sync', () =>
		onServer(replica.url, async (redis) => (await redis.info('replication')).includes('master_link_status:up')),
	);
	return {
		master,
		replica,
		sentinelPort: port,
		masterName,
		addUser: (name, rules) =>
			onServer(url, async (redis) => {
				await redis.call('ACL', 'SETUSER', name, 'reset', 'on', '>secret', ...rules);
			}),
		masterPort: () =>
			onServer(url, async (redis) =>
				Number(((await redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName)) as string[])[1]),
			),
		[Symbol.asyncDispose]: async () => {
			await sentinel.kill9();
			removeFolder(folder);
			await replica[Symbol.asyncDispose]();
			await master[Symbol.asyncDispose]();
		},
	};
}

export interface RedisCluster extends AsyncDisposable {
	nodes: readonly RedisServer[];
	addresses: { host: string; port: number }[];
	/** Begins to move a slot to another node. */
	beginMove(slot: number): Promise<void>;
	/** Moves its keys, one by one with a pause, and ends the move; how many keys there were. */
	endMove(slot: number, pauseMs: number): Promise<number>;
}

const slots = 16_384;

/** Three masters without replicas. */
export async function startCluster(): Promise<RedisCluster> {
	const first = await freePorts(3);
	// The bus would else be 10,000 above, where somebody may listen.
	const bus = await freePorts(3);
	const nodes: RedisServer[] = [];
	for (let i = 0; i < 3; i++)
		nodes.push(
			await startRedis({
				aof: 'off',
				port: first + i,
				config: { 'cluster-enabled': 'yes', 'cluster-port': bus + i, 'cluster-node-timeout': 2000 },
			}),
		);
	const clients = nodes.map((node) => new Redis(node.url));
	for (const client of clients) client.on('error', () => {});
	const share = Math.ceil(slots / 3);
	for (const [i, client] of clients.entries()) {
		await client.call('CLUSTER', 'ADDSLOTSRANGE', i * share, Math.min((i + 1) * share, slots) - 1);
		if (i > 0) await client.call('CLUSTER', 'MEET', '127.0.0.1', first, bus);
	}
	for (const client of clients)
		await until('cluster up', async () => {
			const info = String(await client.call('CLUSTER', 'INFO'));
			return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3');
		});
	const ids: string[] = [];
	for (const client of clients) ids.push(String(await client.call('CLUSTER', 'MYID')));
	const owners = new Map<number, number>();
	const way = (slot: number): [from: number, to: number] => {
		const from = owners.get(slot) ?? Math.floor(slot / share);
		return [from, (from + 1) % 3];
	};
	return {
		nodes,
		addresses: nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
		beginMove: async (slot) => {
			const [from, to] = way(slot);
			await clients[to]?.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', ids[from] ?? '');
			await clients[from]?.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', ids[to] ?? '');
		},
		endMove: async (slot, pauseMs) => {
			const [from, to] = way(slot);
			let moved = 0;
			for (;;) {
				const keys = (await clients[from]?.call('CLUSTER', 'GETKEYSINSLOT', slot, 1)) as string[];
				if (keys.length === 0) break;
				await clients[from]?.call('MIGRATE', '127.0.0.1', first + to, keys[0] ?? '', 0, 5000);
				moved += 1;
				await delay(pauseMs);
			}
			for (const i of [to, from, 3 - from - to])
				await clients[i]?.call('CLUSTER', 'SETSLOT', slot, 'NODE', ids[to] ?? '');
			owners.set(slot, to);
			return moved;
		},
		[Symbol.asyncDispose]: async () => {
			for (const client of clients) client.disconnect();
			for (const node of nodes) await node[Symbol.asyncDispose]();
		},
	};
}

export interface TlsRedis extends AsyncDisposable {
	server: RedisServer;
	tlsPort: number;
	ca: string;
	cert: string;
	key: string;
}

/** A server that asks for a client certificate; certificates of an authority made for this test, valid for a day. */
export async function startTlsRedis(): Promise<TlsRedis> {
	await redisServer();
	const folder = guardedFolder('redis-tls');
	mkdirSync(folder, { recursive: true });
	const openssl = (...args: string[]): void => {
		try {
			execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new MissingTool('openssl is not on the PATH');
			throw error;
		}
	};
	const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
	openssl(
		'req',
		'-x509',
		...newKey,
		'-keyout',
		'ca.key',
		'-out',
		'ca.pem',
		'-days',
		'1',
		'-subj',
		'/CN=test authority',
	);
	writeFileSync(join(folder, 'names'), 'subjectAltName=DNS:redis.test\n');
	for (const name of ['server', 'client']) {
		openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
		const sign = ['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'];
		openssl(...sign, '-days', '1', '-extfile', 'names', '-out', `${name}.pem`);
	}
	const file = (name: string): string => join(folder, name);
	const tlsPort = await freePorts();
	const server = await startRedis({
		aof: 'off',
		config: {
			'tls-port': tlsPort,
			'tls-cert-file': file('server.pem'),
			'tls-key-file': file('server.key'),
			'tls-ca-cert-file': file('ca.pem'),
			'tls-auth-clients': 'yes',
		},
	});
	const read = (name: string): string => readFileSync(file(name), 'utf8');
	return {
		server,
		tlsPort,
		ca: read('ca.pem'),
		cert: read('client.pem'),
		key: read('client.key'),
		[Symbol.asyncDispose]: async () => {
			await server[Symbol.asyncDispose]();
			removeFolder(folder);
		},
	};
}
