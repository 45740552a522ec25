// The store behind a Sentinel, on a Cluster, over TLS as an ACL user: on servers of its own.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { redisServer } from '../../../../test/servers/redis-tool.ts';
import type { Scope } from '../../src/ports.ts';
import { redisAclRules, sentinelAclRules } from '../../src/redis/acl.ts';
import { connect } from '../../src/redis/connection.ts';
import { redisSettings } from '../../src/redis/options.ts';
import { record } from '../contract/log.ts';
import { storeContract } from '../contract/store.ts';
import { orSkip, type RedisCluster, startCluster, startSentinelGroup, startTlsRedis, until } from './servers.ts';
import {
	bytes,
	closeStores,
	commitOf,
	freshPrefix,
	listed,
	nonce,
	openStore,
	persistently,
	type RedisStore,
	rejectsWith,
	scope,
	versionOf,
} from './support.ts';

const missing = await redisServer().then(
	() => false,
	(error: Error) => error.message,
);

afterEach(closeStores);

/** Commits one after another as a runner does: repeats what was not answered, and opens anew when it is fenced. */
async function commitUntil(
	store: RedisStore,
	of: Scope,
	isDone: () => boolean,
): Promise<{ commits: number; fenced: number }> {
	let version = '';
	let offset = 0;
	let commits = 0;
	let fenced = 0;
	while (!isDone()) {
		const n = offset + 1;
		const commit = commitOf(version, n, {
			cells: new Map([['count', bytes(String(n))]]),
			appends: [{ list: 'l', value: bytes(String(n)) }],
			outbox: [record('finding', 'k', String(n), offset)],
		});
		const result = await persistently(() => store.commit(of, commit));
		if (result.kind === 'committed') {
			version = result.version;
			offset = n;
			commits += 1;
			await store.published(of, n, version);
		} else {
			fenced += 1;
			({ version, offset } = await persistently(() => store.load(of)));
			assert.equal(result.storedOffset, offset);
		}
	}
	const state = await persistently(() => store.load(of));
	assert.equal(state.version, version);
	assert.equal(Buffer.from(state.cells.get('count') ?? []).toString(), String(offset));
	// Whatever was lost was lost whole: list, cell, offset and ids agree.
	assert.deepEqual(
		await listed(store, 'l', 0, of),
		Array.from({ length: offset }, (_, i) => String(i + 1)),
	);
	assert.equal(await store.lastOutboxId(of), offset);
	return { commits, fenced };
}

describe('store behind a Sentinel', { skip: missing }, () => {
	it('goes on at the new master when the old one dies, hangs or is demoted in the middle of commits', async () => {
		await using group = await startSentinelGroup();
		await group.addUser('watcher', sentinelAclRules);
		const store = await openStore({
			sentinels: [{ host: '127.0.0.1', port: group.sentinelPort }],
			masterName: group.masterName,
			sentinelUsername: 'watcher',
			sentinelPassword: 'secret',
			commandTimeoutMs: 1000,
		});
		let isDone = false;
		const committing = commitUntil(store, scope, () => isDone);
		const movedTo = (port: number) => until(`master ${port}`, async () => (await group.masterPort()) === port, 30_000);
		const worksAgain = async (): Promise<void> => {
			const id = await persistently(() => store.lastOutboxId(scope));
			await until('commits at the new master', async () => (await store.lastOutboxId(scope)) !== id);
			await store.check();
		};
		await delay(200);
		await group.master.kill9();
		await movedTo(group.replica.port);
		await worksAgain();

		await group.master.start();
		const admin = new Redis(group.master.url);
		await until(
			'old master is a replica in sync',
			async () => {
				const info = await admin.info('replication');
				return info.includes('role:slave') && info.includes('master_link_status:up');
			},
			30_000,
		);
		admin.disconnect();
		group.replica.pause();
		await movedTo(group.master.port);
		await worksAgain();
		group.replica.resume();
		isDone = true;
		const { commits } = await committing;
		assert.ok(commits > 50);
		await store.close();
	});
});

describe('store on a Cluster', { skip: missing }, () => {
	let cluster: RedisCluster | null = null;
	before(async () => {
		cluster = await startCluster();
	});
	after(async () => cluster?.[Symbol.asyncDispose]());
	const open = (prefix: string) => openStore({ cluster: cluster?.addresses.slice(0, 1) ?? [], keyPrefix: prefix });

	storeContract('redis cluster', async () => {
		const store = await open(freshPrefix());
		return { store, dispose: () => store.close() };
	});

	it('spreads scopes over the nodes, and keeps each on one', async () => {
		const prefix = freshPrefix();
		const store = await open(prefix);
		for (let partition = 0; partition < 12; partition++)
			await store.commit(
				{ stage: 'correlate', partition },
				commitOf('', 1, {
					cells: new Map([['c', bytes('v')]]),
					appends: [{ list: 'l}{', value: bytes('v') }],
					outbox: [record('finding', 'k', 'v')],
				}),
			);
		const owners = new Map<string, Set<number>>();
		for (const [i, node] of (cluster as RedisCluster).nodes.entries()) {
			const redis = new Redis(node.url);
			for (const key of await redis.keys(`${prefix}*`)) {
				const tag = key.slice(prefix.length).split('}')[0] as string;
				owners.set(tag, (owners.get(tag) ?? new Set()).add(i));
			}
			redis.disconnect();
		}
		assert.equal(owners.size, 12);
		assert.ok([...owners.values()].every((nodes) => nodes.size === 1));
		assert.equal(new Set([...owners.values()].flatMap((nodes) => [...nodes])).size, 3);
		await store.check();
		assert.ok((await store.stats()).keys >= 48);
		await store.close();
	});

	const slotOf = async (key: string): Promise<number> => {
		const redis = new Redis(cluster?.nodes[0]?.url ?? '');
		const slot = Number(await redis.call('CLUSTER', 'KEYSLOT', key));
		redis.disconnect();
		return slot;
	};

	it('goes on while its slot moves to another node, and on to the next', async () => {
		const store = await open('moved:');
		const of = { stage: 'correlate', partition: 3 };
		let isDone = false;
		const committing = commitUntil(store, of, () => isDone);
		await delay(100);
		const slot = await slotOf('moved:{correlate:3}:meta');
		for (let i = 0; i < 2; i++) {
			await cluster?.beginMove(slot);
			assert.ok(((await cluster?.endMove(slot, 150)) ?? 0) >= 3);
			await delay(200);
		}
		isDone = true;
		assert.ok((await committing).commits > 20);
		await store.close();
	});

	it('commits whole or not at all in a slot that is about to move', async () => {
		const store = await openStore({ cluster: cluster?.addresses ?? [], keyPrefix: 'half:', publishedDelayMs: 60_000 });
		const of = { stage: 'correlate', partition: 4 };
		const rest = (n: number) => ({
			cells: new Map([['c', bytes(String(n))]]),
			appends: [{ list: 'l', value: bytes(String(n)) }],
			outbox: [record('finding', 'k', String(n))],
		});
		const version = versionOf(await store.commit(of, commitOf('', 1, rest(1))));
		const slot = await slotOf('half:{correlate:4}:meta');
		await cluster?.beginMove(slot);
		// A key that the script empties is, from there on, at the other node.
		await store.published(of, 1, version);
		const second = versionOf(await store.commit(of, commitOf(version, 2, rest(2))));
		await cluster?.endMove(slot, 0);
		const state = await persistently(() => store.load(of));
		assert.deepEqual(
			[state.version, state.offset, Buffer.from(state.cells.get('c') ?? []).toString()],
			[second, 2, '2'],
		);
		assert.deepEqual(
			state.outbox.map((o) => [o.id, Buffer.from(o.value).toString()]),
			[[2, '2']],
		);
		assert.deepEqual(await listed(store, 'l', 0, of), ['1', '2']);
		await store.close();
	});

	it('is tried again where the client library gave up', async () => {
		const connection = connect(
			redisSettings({ cluster: cluster?.addresses, keyPrefix: 'again:', emit: () => {}, nonce }),
		);
		await connection.ready();
		const got = (): Promise<string | null> => connection.answer('get', connection.client.get('again'));
		assert.equal(await got(), null);
		connection.client.disconnect();
		await assert.rejects(got(), rejectsWith('unavailable'));
		assert.equal(await persistently(got), null);
		connection.close();
	});

	it('works as an ACL user', async () => {
		const rules = redisAclRules('correlate', 'acl:');
		for (const { url } of cluster?.nodes ?? []) {
			const redis = new Redis(url);
			await redis.call('ACL', 'SETUSER', 'correlate', 'reset', 'on', '>secret', ...rules);
			redis.disconnect();
		}
		const user = { username: 'correlate', password: 'secret' };
		const store = await openStore({ cluster: cluster?.addresses.slice(1) ?? [], keyPrefix: 'acl:', ...user });
		await store.check();
		for (let partition = 0; partition < 6; partition++) {
			const of = { stage: 'correlate', partition };
			const version = versionOf(await store.commit(of, commitOf('', 1, { cells: new Map([['c', bytes('v')]]) })));
			assert.equal((await store.load(of)).version, version);
		}
		await assert.rejects(store.commit({ stage: 'sign', partition: 0 }, commitOf('', 1)), rejectsWith('refused'));
		const wrong = openStore({
			cluster: cluster?.addresses ?? [],
			keyPrefix: 'acl:',
			...user,
			password: 'other',
			commandTimeoutMs: 1500,
		});
		await assert.rejects(wrong, rejectsWith('refused'));
	});

	it('is away while a node is, and back with it', async () => {
		const [node] = (cluster as RedisCluster).nodes;
		const store = await openStore({ cluster: cluster?.addresses ?? [], keyPrefix: 'away:', commandTimeoutMs: 1000 });
		const scopes = Array.from({ length: 12 }, (_, partition) => ({ stage: 'correlate', partition }));
		const versions = new Map<Scope, string>();
		for (const of of scopes) versions.set(of, versionOf(await store.commit(of, commitOf('', 1))));
		node?.pause();
		const results = await Promise.allSettled(scopes.map((of) => store.commit(of, commitOf(versions.get(of) ?? '', 2))));
		const rejected = results.filter((result) => result.status === 'rejected');
		assert.ok(rejected.length > 0);
		for (const { reason } of rejected) rejectsWith('unavailable')(reason);
		node?.resume();
		for (const of of scopes)
			await persistently(async () => {
				const { version } = await store.load(of);
				versionOf(await store.commit(of, commitOf(version, 3)));
			});
		await persistently(() => store.check());
		await store.close();
	});
});

describe('store over TLS, as an ACL user', { skip: missing }, () => {
	it('does all it must with the rules of its stage, and can do nothing else', async (t) => {
		const place = await orSkip(t, startTlsRedis);
		if (!place) return;
		await using _ = place;
		const { ca, cert, key, server } = place;
		const admin = new Redis(server.url);
		const prefix = 'fleet[1]*:';
		const user = async (name: string, rules: string[]): Promise<unknown> =>
			admin.call('ACL', 'SETUSER', name, 'reset', 'on', '>secret', ...rules);
		await user('correlate', redisAclRules('correlate', prefix));
		await user('sign', redisAclRules('sign', prefix, ['correlate']));
		const url = `rediss://127.0.0.1:${place.tlsPort}`;
		const tls = { ca, cert, key, serverName: 'redis.test' };
		const open = (username: string) => openStore({ url, tls, username, password: 'secret', keyPrefix: prefix });
		const correlate = await open('correlate');
		const sign = await open('sign');
		await correlate.check();
		await correlate.stats();

		let version = '';
		for (let n = 1; n <= 3; n++)
			version = versionOf(
				await correlate.commit(
					scope,
					commitOf(version, n, {
						cells: new Map<string, Uint8Array | null>([
							['c', bytes('v')],
							['gone', null],
						]),
						appends: [
							{ list: 'facts', value: bytes('v') },
							{ list: 'other', value: bytes('v') },
						],
						expireLists: [{ list: 'other', afterMs: n === 3 ? 0 : 1000 }],
						outbox: [record('session', 'k', 'v')],
					}),
				),
			);
		await correlate.published(scope, 3, version);
		assert.equal((await correlate.load(scope)).outbox.length, 0);
		assert.equal(await correlate.lastOutboxId(scope), 3);
		const spilling = await openStore({
			url,
			tls,
			username: 'correlate',
			password: 'secret',
			keyPrefix: prefix,
			listBytesMax: 1,
		});
		version = versionOf(
			await spilling.commit(scope, commitOf(version, 4, { appends: [{ list: 'facts', value: bytes('w') }] })),
		);
		await spilling.close();

		assert.deepEqual(await listed(sign, 'facts'), ['w']);
		assert.deepEqual(await sign.listExtent(scope, 'facts'), { first: 3, end: 4 });
		await assert.rejects(sign.load(scope), rejectsWith('refused'));
		await assert.rejects(sign.commit(scope, commitOf(version, 9)), rejectsWith('refused'));
		await assert.rejects(correlate.commit({ stage: 'sign', partition: 0 }, commitOf('', 1)), rejectsWith('refused'));
		await assert.rejects(listed(correlate, 'l', 0, { stage: 'correlate2', partition: 0 }), rejectsWith('refused'));
		const foreign = await openStore({ url, tls, username: 'correlate', password: 'secret', keyPrefix: 'fleet1x:' });
		await assert.rejects(foreign.commit(scope, commitOf('', 1)), rejectsWith('refused'));
		assert.equal((await correlate.load(scope)).version, version);

		const raw = new Redis({
			port: place.tlsPort,
			tls: { ca, cert, key, servername: 'redis.test' },
			username: 'sign',
			password: 'secret',
		});
		const facts = `${prefix}{correlate:${scope.partition}}:list:facts`;
		for (const command of [
			['RPUSH', facts, 'x'],
			['DEL', facts],
			['EVAL', `return redis.call('RPUSH', '${facts}', 'x')`, '0'],
			['FLUSHALL'],
			['KEYS', '*'],
			['CONFIG', 'GET', '*'],
			['SCRIPT', 'FLUSH'],
			['ACL', 'LIST'],
		])
			await assert.rejects(
				raw.call(command[0] as string, ...command.slice(1)),
				/NOPERM|user executing the script can't/,
				command.join(' '),
			);
		raw.disconnect();
		for (const store of [correlate, sign, foreign]) await store.close();

		await assert.rejects(
			openStore({ url, tls, username: 'correlate', password: 'other' }),
			rejectsWith('refused', /WRONGPASS/),
		);
		const wrong = [
			{ ca, serverName: 'redis.test' },
			{ cert, key, serverName: 'redis.test' },
			{ ca, cert, key, serverName: 'other.test' },
		];
		for (const bad of wrong) {
			const store = await openStore({
				url,
				tls: bad,
				username: 'correlate',
				password: 'secret',
				commandTimeoutMs: 500,
			});
			await assert.rejects(store.check(), rejectsWith('unavailable'));
			await store.close();
		}
		admin.disconnect();
	});
});
