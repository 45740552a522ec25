// Costs of the store, by hand: `node packages/stream/test/redis/bench.ts [commits]`. Starts a Redis of its own. Prints, of the best
// of three rounds, client and server CPU microseconds per commit and per event (a commit as the correlator makes it: 500 events,
// 100 cells, one 60 kB fact batch that is kept and published), and what loading 200,000 cells takes.
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { startRedis } from '../../../../test/servers/redis.ts';
import type { Commit } from '../../src/ports.ts';
import { openRedisStore, type RedisStore } from '../../src/redis/store.ts';

const commits = Number(process.argv[2] ?? 1000);
const rounds = 3;
const eventsPerCommit = 500;
const cellsPerCommit = 100;
const cellsKept = 5000;
const cellBytes = [300, 400, 500, 650, 800, 1000];
const batchBytes = 60_000;
const sessions = 20;
const scope = { stage: 'correlate', partition: 0 };

const print = (line: string): boolean => process.stdout.write(`${line}\n`);

function commitOf(i: number, expectedVersion: string, isPublished: boolean): Commit {
	const cells = new Map<string, Uint8Array>();
	for (let c = 0; c < cellsPerCommit; c++) {
		const size = cellBytes[c % cellBytes.length] as number;
		cells.set(`v/${(i * 37 + c * 53) % cellsKept}/${'x'.repeat(16)}`, randomBytes(size));
	}
	const value = randomBytes(batchBytes);
	const origin = { stage: 'correlate', partition: 0, offset: i, index: 0 };
	return {
		expectedVersion,
		nextOffset: i + 1,
		lowWaterOffset: Math.max(0, i - 10),
		cells,
		appends: [{ list: `facts:${i % sessions}`, value }],
		outbox: isPublished ? [{ topic: 'session', key: `${i % sessions}`, value, origin }] : [],
	};
}

const open = (url: string): Promise<RedisStore> =>
	openRedisStore({
		url,
		listBytesMax: 4 * 1024 ** 2,
		emit: () => {},
		nonce: () => randomBytes(16).toString('hex'),
	});

async function serverCpuUs(admin: Redis): Promise<number> {
	const info = await admin.info('cpu');
	const seconds = (field: string): number => Number(info.match(new RegExp(`${field}:([\\d.]+)`))?.[1]);
	return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6;
}

async function measureCommits(name: string, aof: 'off' | 'everysec', isPublished: boolean): Promise<void> {
	await using server = await startRedis({ aof });
	const admin = new Redis(server.url);
	const store = await open(server.url);
	let version = '';
	let i = 0;
	let best = { client: Number.POSITIVE_INFINITY, server: Number.POSITIVE_INFINITY };
	for (let round = 0; round < rounds; round++) {
		const start = await serverCpuUs(admin);
		let client = 0;
		for (let n = 0; n < commits; n++, i++) {
			const commit = commitOf(i, version, isPublished);
			const before = process.cpuUsage();
			const result = await store.commit(scope, commit);
			if (result.kind !== 'committed') throw new Error('fenced');
			version = result.version;
			if (isPublished) await store.published(scope, i + 1, version);
			const used = process.cpuUsage(before);
			client += used.user + used.system;
		}
		const used = (await serverCpuUs(admin)) - start;
		best = { client: Math.min(best.client, client / commits), server: Math.min(best.server, used / commits) };
	}
	const text = (us: number): string => `${us.toFixed(0)} µs/commit, ${(us / eventsPerCommit).toFixed(2)} µs/event`;
	print(`${name}: client ${text(best.client)}; redis ${text(best.server)}`);
	await store.close();
	admin.disconnect();
}

async function measureLoad(): Promise<void> {
	await using server = await startRedis({ aof: 'off' });
	const store = await open(server.url);
	let version = '';
	for (let i = 0; i < 10; i++) {
		const cells = new Map<string, Uint8Array>();
		for (let c = 0; c < 20_000; c++) cells.set(`cell/${i}/${c}`, randomBytes(500));
		const result = await store.commit(scope, { ...commitOf(i, version, false), cells });
		version = result.kind === 'committed' ? result.version : '';
	}
	const beforeBytes = process.memoryUsage().rss;
	const before = process.cpuUsage();
	const startMs = performance.now();
	const { cells } = await store.load(scope);
	const wallMs = performance.now() - startMs;
	const used = process.cpuUsage(before);
	const bytes = [...cells.values()].reduce((sum, value) => sum + value.byteLength, 0);
	const { memoryBytes } = await store.stats();
	const mib = (n: number): string => (n / 1024 ** 2).toFixed(0);
	print(
		`load: ${cells.size} cells of ${mib(bytes)} MiB: ${wallMs.toFixed(0)} ms, client ${((used.user + used.system) / 1000).toFixed(0)} ms CPU, ` +
			`${mib(process.memoryUsage().rss - beforeBytes)} MiB more memory; redis holds them in ${mib(memoryBytes)} MiB`,
	);
	await store.close();
}

await measureCommits('no AOF, published', 'off', true);
await measureCommits('no AOF, kept only', 'off', false);
await measureCommits('AOF everysec, published', 'everysec', true);
await measureCommits('AOF everysec, kept only', 'everysec', false);
await measureLoad();
