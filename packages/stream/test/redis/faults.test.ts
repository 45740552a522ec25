// What the store does when its server dies, forgets, hangs or is full: on servers of its own.
import assert from 'node:assert/strict';
import { createServer, connect as dial, type Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type RedisServer, startRedis } from '../../../../test/servers/redis.ts';
import { MissingTool } from '../../../../test/servers/tools.ts';
import { collectingEmit } from '../../src/internal-event.ts';
import { connect } from '../../src/redis/connection.ts';
import { redisSettings } from '../../src/redis/options.ts';
import { record } from '../contract/log.ts';
import {
	bytes,
	closeStores,
	commitOf,
	listed,
	nonce,
	openStore,
	persistently,
	rejectsWith,
	scope,
	versionOf,
} from './support.ts';

afterEach(closeStores);

type Config = Parameters<typeof startRedis>[0];

const withServer = (
	title: string,
	config: Config,
	body: (server: RedisServer, admin: Redis) => Promise<void>,
): void => {
	it(title, async (t) => {
		let server: RedisServer;
		try {
			server = await startRedis(config);
		} catch (error) {
			if (!(error instanceof MissingTool)) throw error;
			t.skip(error.message);
			return;
		}
		const admin = new Redis(server.url, { lazyConnect: true });
		admin.on('error', () => {});
		try {
			await body(server, admin);
		} finally {
			admin.disconnect();
			await server[Symbol.asyncDispose]();
		}
	});
};

const counted = (n: number) => ({
	cells: new Map([['count', bytes(String(n))]]),
	appends: [{ list: 'l', value: bytes(String(n)) }],
	outbox: [record('finding', 'k', String(n), n - 1)],
});

describe('a Redis that dies or forgets', () => {
	withServer(
		'kill -9 loses its last second: what was committed on top of it is refused',
		{ aof: 'everysec' },
		async (server) => {
			const store = await openStore({ url: server.url });
			let version = versionOf(await store.commit(scope, commitOf('', 1, counted(1))));
			version = versionOf(await store.commit(scope, commitOf(version, 2, counted(2))));
			await delay(1500);
			const old = server.copyData();
			const lost = versionOf(await store.commit(scope, commitOf(version, 3, counted(3))));
			await server.kill9();
			server.restoreData(old);
			await server.start();

			const zombie = commitOf(lost, 4, counted(4));
			assert.deepEqual(await persistently(() => store.commit(scope, zombie)), { kind: 'fenced', storedOffset: 2 });
			const state = await store.load(scope);
			assert.deepEqual([state.offset, state.version, state.fresh], [2, version, false]);
			assert.equal(Buffer.from(state.cells.get('count') ?? []).toString(), '2');
			assert.deepEqual(
				state.outbox.map((o) => [o.id, Buffer.from(o.value).toString()]),
				[
					[1, '1'],
					[2, '2'],
				],
			);
			assert.deepEqual(await listed(store, 'l'), ['1', '2']);

			// The same way again, to the very offset: the lost version is none the less another.
			const again = versionOf(await store.commit(scope, commitOf(version, 3, counted(3))));
			assert.notEqual(again, lost);
			assert.deepEqual(await store.commit(scope, zombie), { kind: 'fenced', storedOffset: 3 });
			await store.published(scope, 3, lost);
			assert.equal((await store.load(scope)).outbox.length, 3);
			await store.close();
		},
	);

	withServer('appendfsync always loses nothing that was answered', { aof: 'always' }, async (server) => {
		const store = await openStore({ url: server.url });
		let version = '';
		let answered = 0;
		const killing = delay(300).then(() => server.kill9());
		for (let n = 1; ; n++) {
			const result = await store.commit(scope, commitOf(version, n, counted(n))).catch(() => null);
			if (result === null) break;
			version = versionOf(result);
			answered = n;
		}
		await killing;
		await server.start();
		const state = await persistently(() => store.load(scope));
		assert.ok(state.offset === answered || state.offset === answered + 1, `${state.offset}, answered ${answered}`);
		assert.equal(Buffer.from(state.cells.get('count') ?? []).toString(), String(state.offset));
		assert.equal((await listed(store, 'l')).length, state.offset);
		assert.ok(answered > 10);
		await store.close();
	});

	withServer(
		'FLUSHALL between load and commit: nothing is committed on what is gone',
		{ aof: 'off' },
		async (server, admin) => {
			const [store, other] = [await openStore({ url: server.url }), await openStore({ url: server.url })];
			let version = '';
			for (let n = 1; n <= 5; n++) version = versionOf(await store.commit(scope, commitOf(version, n, counted(n))));
			const loaded = await other.load(scope);
			await admin.flushall();
			assert.deepEqual(await store.commit(scope, commitOf(loaded.version, 6, counted(6))), {
				kind: 'fenced',
				storedOffset: 0,
			});
			assert.equal((await store.load(scope)).fresh, true);
			// Another member rebuilds to the offset at which the first one still stands.
			let rebuilt = '';
			for (let n = 1; n <= 5; n++) rebuilt = versionOf(await other.commit(scope, commitOf(rebuilt, n, counted(n))));
			assert.deepEqual(await store.commit(scope, commitOf(version, 6, counted(6))), {
				kind: 'fenced',
				storedOffset: 5,
			});
			// Flushed twice: two that begin anew, and one of them wins.
			await admin.flushall();
			const both = await Promise.all([store, other].map((s) => s.commit(scope, commitOf('', 1, counted(1)))));
			assert.deepEqual(both.map((r) => r.kind).sort(), ['committed', 'fenced']);
			await Promise.all([store.close(), other.close()]);
		},
	);

	withServer('a lost script is sent again', { aof: 'off' }, async (server, admin) => {
		const store = await openStore({ url: server.url });
		const version = versionOf(await store.commit(scope, commitOf('', 1)));
		await admin.script('FLUSH');
		assert.equal((await store.commit(scope, commitOf(version, 2))).kind, 'committed');
		await store.close();
	});

	withServer(
		'a commit whose answer is lost is done once, and known when it is sent again',
		{ aof: 'off' },
		async (server) => {
			await using proxy = await deafProxy(server.port);
			const store = await openStore({ url: `redis://127.0.0.1:${proxy.port}` });
			const version = versionOf(await store.commit(scope, commitOf('', 1, counted(1))));
			const commit = commitOf(version, 2, counted(2));
			proxy.dropNextAnswer();
			await assert.rejects(store.commit(scope, commit), rejectsWith('unavailable'));
			const result = await persistently(() => store.commit(scope, commit));
			assert.equal(result.kind, 'committed');
			const state = await store.load(scope);
			assert.deepEqual([state.offset, state.version, state.outbox.length], [2, versionOf(result), 2]);
			assert.deepEqual(await listed(store, 'l'), ['1', '2']);
			// Another commit at the same place is a stranger's all the same.
			proxy.dropNextAnswer();
			await assert.rejects(store.commit(scope, commitOf(state.version, 3, counted(3))), rejectsWith('unavailable'));
			const stranger = commitOf(state.version, 3, counted(3));
			assert.deepEqual(await persistently(() => store.commit(scope, stranger)), { kind: 'fenced', storedOffset: 3 });
			await store.close();
		},
	);
});

describe('a Redis that is away, hangs or is full', () => {
	withServer(
		'a hung server costs a call its time and no more, and nothing piles up',
		{ aof: 'off' },
		async (server) => {
			const events = collectingEmit();
			const store = await openStore({ url: server.url, events, commandTimeoutMs: 300 });
			const version = versionOf(await store.commit(scope, commitOf('', 1)));
			server.pause();
			const value = Buffer.alloc(1024 ** 2);
			const commit = commitOf(version, 2, { cells: new Map([['large', value]]) });
			const before = process.memoryUsage().arrayBuffers;
			for (let i = 0; i < 60; i++) {
				const startMs = performance.now();
				await assert.rejects(store.commit(scope, commit), rejectsWith('unavailable'));
				assert.ok(performance.now() - startMs < 1000);
			}
			assert.ok(process.memoryUsage().arrayBuffers - before < 30 * 1024 ** 2);
			await assert.rejects(store.check(), rejectsWith('unavailable'));
			server.resume();
			assert.equal((await persistently(() => store.commit(scope, commit))).kind, 'committed');
			await store.check();
			assert.ok(events.count('store_connection_errors') > 0);
			await store.close();
		},
	);

	withServer(
		'a store opens while its server is away, and works once it is there',
		{ aof: 'everysec' },
		async (server) => {
			await server.kill9();
			const store = await openStore({ url: server.url, commandTimeoutMs: 500 });
			await assert.rejects(store.load(scope), rejectsWith('unavailable'));
			await assert.rejects(store.check(), rejectsWith('unavailable'));
			await assert.rejects(Array.fromAsync(store.list(scope, 'l')), rejectsWith('unavailable'));
			await store.published(scope, 1, 'v');
			await server.start();
			assert.equal((await persistently(() => store.commit(scope, commitOf('', 1)))).kind, 'committed');
			await store.close();
		},
	);

	withServer('a client that gave up is made to try again', { aof: 'off' }, async (server) => {
		const settings = redisSettings({ url: server.url, emit: () => {}, nonce });
		const connection = connect(settings);
		await connection.ready();
		const pinged = (): Promise<string> => connection.answer('ping', connection.client.ping());
		assert.equal(await pinged(), 'PONG');
		connection.client.disconnect();
		await assert.rejects(pinged(), rejectsWith('unavailable'));
		assert.equal(await persistently(pinged), 'PONG');
		connection.close();
		await assert.rejects(pinged(), rejectsWith('closed'));
		await delay(1000);
		assert.equal(connection.client.status, 'end');
	});

	withServer(
		'a full server refuses the whole commit, and takes it once there is room',
		{ aof: 'off', config: { maxmemory: '12mb', 'maxmemory-policy': 'noeviction' } },
		async (server, admin) => {
			const store = await openStore({ url: server.url });
			let version = '';
			let n = 0;
			const full = async (): Promise<void> => {
				for (;;) {
					const cells = new Map<string, Uint8Array | null>([
						[`cell ${n}`, Buffer.alloc(500_000)],
						['gone', null],
					]);
					version = versionOf(await store.commit(scope, commitOf(version, n + 1, { ...counted(n + 1), cells })));
					n += 1;
				}
			};
			await assert.rejects(full(), rejectsWith('store-full'));
			assert.ok(n > 3);
			const state = await store.load(scope);
			assert.deepEqual([state.offset, state.version, state.cells.size, state.outbox.length], [n, version, n, n]);
			assert.equal((await listed(store, 'l')).length, n);
			// What frees memory passes.
			await store.published(scope, n, version);
			assert.equal((await store.load(scope)).outbox.length, 0);
			const { memoryBytes, memoryBytesMax } = await store.stats();
			assert.equal(memoryBytesMax, 12 * 1024 ** 2);
			assert.ok(memoryBytes > 5 * 1024 ** 2);
			await admin.config('SET', 'maxmemory', '100mb');
			assert.equal((await store.commit(scope, commitOf(version, n + 1))).kind, 'committed');
			await store.close();
		},
	);

	withServer(
		'a server that would evict keys is refused',
		{ aof: 'off', config: { 'maxmemory-policy': 'volatile-lru' } },
		async (server, admin) => {
			await assert.rejects(openStore({ url: server.url }), rejectsWith('store-unfit', /volatile-lru/));
			await admin.config('SET', 'maxmemory-policy', 'noeviction');
			const store = await openStore({ url: server.url });
			await store.check();
			await admin.config('SET', 'maxmemory-policy', 'allkeys-lfu');
			await assert.rejects(store.check(), rejectsWith('store-unfit', /allkeys-lfu/));
			await store.close();
		},
	);

	withServer('a wrong password is told at once', { aof: 'off', config: { requirepass: 'right' } }, async (server) => {
		await assert.rejects(openStore({ url: server.url }), rejectsWith('refused', /NOAUTH/));
		await assert.rejects(openStore({ url: server.url, password: 'wrong' }), rejectsWith('refused', /WRONGPASS/));
		const store = await openStore({ url: server.url.replace('//', '//:right@') });
		assert.equal((await store.commit(scope, commitOf('', 1))).kind, 'committed');
		await store.close();
	});

	withServer('a commit during every attempt to load is no state', { aof: 'off' }, async (server) => {
		const [store, other] = [await openStore({ url: server.url }), await openStore({ url: server.url })];
		const cells = new Map(Array.from({ length: 20_000 }, (_, i) => [`cell ${i}`, Buffer.alloc(200)]));
		let version = versionOf(await store.commit(scope, commitOf('', 1, { cells })));
		let isDone = false;
		const committing = (async () => {
			for (let n = 2; !isDone; n++) version = versionOf(await store.commit(scope, commitOf(version, n)));
		})();
		await assert.rejects(other.load(scope), rejectsWith('unavailable', /committed to during each/));
		isDone = true;
		await committing;
		assert.equal((await other.load(scope)).version, version);
		await Promise.all([store.close(), other.close()]);
	});
});

interface DeafProxy extends AsyncDisposable {
	port: number;
	/** The next bytes from the server are not passed on: both connections are cut instead. */
	dropNextAnswer(): void;
}

async function deafProxy(to: number): Promise<DeafProxy> {
	let isDropping = false;
	const sockets = new Set<Socket>();
	const proxy = createServer((client) => {
		const server = dial(to, '127.0.0.1');
		const cut = (): void => {
			client.destroy();
			server.destroy();
		};
		for (const socket of [client, server]) {
			sockets.add(socket);
			socket.on('error', cut).on('close', cut);
		}
		client.on('data', (data) => server.write(data));
		server.on('data', (data) => {
			if (isDropping) cut();
			else client.write(data);
			isDropping = false;
		});
	});
	await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
	const address = proxy.address();
	return {
		port: typeof address === 'object' && address ? address.port : 0,
		dropNextAnswer: () => {
			isDropping = true;
		},
		[Symbol.asyncDispose]: async () => {
			for (const socket of sockets) socket.destroy();
			await new Promise((resolve) => proxy.close(resolve));
		},
	};
}
