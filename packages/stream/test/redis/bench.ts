// Cost of a commit as the correlator makes it, by hand: `node packages/stream/test/redis/bench.ts [commits]`. Starts a Redis of
// its own and prints client and server CPU microseconds per commit and per event, appends to the AOF included.
import { randomBytes } from 'node:crypto';
import { startRedis } from '../../../../test/servers/redis.ts';
import type { Commit } from '../../src/ports.ts';
import { openRedisStore } from '../../src/redis/store.ts';

const commits = Number(process.argv[2] ?? 2000);
const eventsPerCommit = 500;
const cellsPerCommit = 100;
const cellsKept = 5000;
const batchBytes = 60_000;
const sessions = 20;

const cell = (size: number): Buffer => randomBytes(size);
const sizes = [300, 400, 500, 650, 800, 1000];

function commitOf(i: number, expectedVersion: string, isPublished: boolean): Commit {
	const cells = new Map<string, Uint8Array>();
	for (let c = 0; c < cellsPerCommit; c++)
		cells.set(`v/${(i * 37 + c * 53) % cellsKept}/${'x'.repeat(16)}`, cell(sizes[c % sizes.length] as number));
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

async function run(name: string, aof: 'off' | 'everysec', isPublished: boolean): Promise<void> {
	await using server = await startRedis({ aof });
	const store = await openRedisStore({
		url: server.url,
		listBytesMax: 4 * 1024 ** 2,
		emit: () => {},
		nonce: () => randomBytes(16).toString('hex'),
	});
	const scope = { stage: 'correlate', partition: 0 };
	const serverCpu = async (): Promise<number> => {
		const info = await import('ioredis').then(async ({ Redis }) => {
			const redis = new Redis(server.url);
			const text = await redis.info('cpu');
			redis.disconnect();
			return text;
		});
		const seconds = (field: string): number => Number(info.match(new RegExp(`${field}:([\\d.]+)`))?.[1]);
		return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6;
	};
	let version = '';
	let id = 0;
	let client = 0;
	const start = await serverCpu();
	const startMs = performance.now();
	for (let i = 0; i < commits; i++) {
		const commit = commitOf(i, version, isPublished);
		const before = process.cpuUsage();
		const result = await store.commit(scope, commit);
		if (result.kind !== 'committed') throw new Error('fenced');
		version = result.version;
		if (isPublished) await store.published(scope, ++id, version);
		const used = process.cpuUsage(before);
		client += used.user + used.system;
	}
	const wallMs = performance.now() - startMs;
	const used = (await serverCpu()) - start;
	const loadStart = performance.now();
	const { cells } = await store.load(scope);
	const loadMs = performance.now() - loadStart;
	await store.close();
	const line = (label: string, us: number): string =>
		`${label} ${(us / commits).toFixed(0)} µs/commit ${(us / commits / eventsPerCommit).toFixed(3)} µs/event`;
	process.stdout.write(
		`${name}: ${line('client', client)}; ${line('redis', used)}; wall ${((wallMs * 1000) / commits).toFixed(0)} µs/commit; load of ${cells.size} cells ${loadMs.toFixed(0)} ms\n`,
	);
}

await run('warm-up', 'off', true);
await run('no AOF, with outbox', 'off', true);
await run('no AOF, without outbox', 'off', false);
await run('AOF everysec, with outbox', 'everysec', true);
await run('AOF everysec, without outbox', 'everysec', false);
process.exit(0);
