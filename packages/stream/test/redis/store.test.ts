import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { collectingEmit } from '../../src/internal-event.ts';
import type { Commit } from '../../src/ports.ts';
import { record } from '../contract/log.ts';
import { storeContract } from '../contract/store.ts';
import {
	bytes,
	closeStores,
	commitOf,
	freshPrefix,
	givenRedis,
	listed,
	nonce,
	openStore,
	type RedisStore,
	rejectsWith,
	removeKeys,
	versionOf,
} from './support.ts';

const url = process.env['REDIS_URL'];

if (url)
	storeContract('redis', async () => {
		const keyPrefix = freshPrefix();
		const store = await openStore({ url, keyPrefix });
		const dispose = async (): Promise<void> => {
			await store.close();
			await removeKeys(url, keyPrefix);
		};
		return { store, dispose };
	});

describe('store on a single Redis', () => {
	const prefix = freshPrefix();
	const events = collectingEmit();
	let store: RedisStore;
	let redis: Redis;
	let partition = 0;
	const next = () => ({ stage: 'correlate', partition: partition++ });

	before(async (t) => {
		if (!givenRedis(t as never) || !url) return;
		store = await openStore({ url, keyPrefix: prefix, events, listBytesMax: 1000, retentionMs: 60_000 });
		redis = new Redis(url);
	});
	after(async () => {
		await closeStores();
		redis?.disconnect();
		if (url) await removeKeys(url, prefix);
	});
	const test = (title: string, body: () => Promise<void>): void => {
		it(title, { skip: !url && 'REDIS_URL is not set (npm test starts a Redis)' }, body);
	};

	test('takes an answered commit that comes again for another', async () => {
		const of = next();
		const commit = commitOf('', 1, { appends: [{ list: 'l', value: bytes('x') }] });
		const version = versionOf(await store.commit(of, commit));
		const meta = `${prefix}{correlate:${of.partition}}:meta`;
		assert.match((await redis.get(meta)) ?? '', new RegExp(`^${version} 1 0 0$`));
		const again = await store.commit(of, commit);
		assert.deepEqual(again, { kind: 'fenced', storedOffset: 1 }, 'an answered commit is over');
		assert.deepEqual(await listed(store, 'l', 0, of), ['x']);
	});

	test('keeps no key without the scope in its hash tag, whatever the stage is called', async () => {
		const names = ['a{b}', '{', '}', 'x:1}', '*', 'a b', '', 'é', '\ud800', '\ud801', 'a%7bb', '__proto__'];
		const versions = new Map<string, string>();
		for (const stage of names) {
			const of = { stage, partition: 1 };
			const appends = [{ list: `} ${stage}`, value: bytes(stage) }];
			versions.set(
				stage,
				versionOf(await store.commit(of, commitOf('', 1, { cells: new Map([['c', bytes(stage)]]), appends }))),
			);
		}
		assert.equal(new Set(versions.values()).size, names.length);
		for (const stage of names) assert.equal((await store.load({ stage, partition: 1 })).version, versions.get(stage));
		for (const key of await redis.keys(`${prefix}*`))
			assert.match(key.slice(prefix.length), /^\{[A-Za-z0-9_%-]*:\d+\}:(meta|cells|outbox|list:.*)$/s);
	});

	test('takes names and values of any kind and size', async () => {
		const of = next();
		const names = [
			'',
			'a\nb',
			'__proto__',
			'constructor',
			'a\ud800',
			'a\ud801',
			'\ud800',
			'\uffff',
			'\0',
			'n'.repeat(10_240),
			'\u00ff',
			' ',
			'{}',
		];
		const values = [
			Buffer.of(),
			Buffer.of(0),
			Buffer.from('\r\n$5\r\n'),
			Buffer.alloc(8 * 1024 ** 2, 0xff),
			new Uint8Array([1, 2, 3]).subarray(1),
		];
		const cells = new Map<string, Uint8Array>();
		const appends: { list: string; value: Uint8Array }[] = [];
		const outbox: Commit['outbox'][number][] = [];
		names.forEach((name, i) => {
			const value = values[i % values.length] as Uint8Array;
			cells.set(name, value);
			appends.push({ list: name, value });
			outbox.push({
				topic: 'finding',
				key: name,
				value,
				origin: { stage: name, partition: i, offset: 2 ** 53 - 1, index: i },
			});
		});
		await store.commit(of, commitOf('', 2 ** 53 - 1, { lowWaterOffset: 2 ** 53 - 2, cells, appends, outbox }));
		const state = await store.load(of);
		assert.deepEqual([state.offset, state.lowWaterOffset], [2 ** 53 - 1, 2 ** 53 - 2]);
		assert.deepEqual([...state.cells.keys()].sort(), [...names].sort());
		for (const [name, value] of cells) assert.ok(Buffer.from(value).equals(state.cells.get(name) as Buffer), name);
		assert.deepEqual(
			state.outbox.map(({ value, ...rest }) => ({ ...rest, value: Buffer.from(value).toString('base64') })),
			outbox.map((entry, i) => ({ ...entry, id: i + 1, value: Buffer.from(entry.value).toString('base64') })),
		);
		for (const [i, name] of names.entries()) {
			const kept = await Array.fromAsync(store.list(of, name));
			assert.deepEqual(
				kept.map((v) => Buffer.compare(v, values[i % values.length] as Uint8Array)),
				[0],
				name,
			);
		}
	});

	test('takes a commit of 16 MB and 20,000 cells, and refuses one over its bound by name', async () => {
		const of = next();
		const cells = new Map<string, Uint8Array>();
		for (let i = 0; i < 20_000; i++) cells.set(`cell ${i}`, Buffer.alloc(700, i));
		const outbox = Array.from({ length: 3000 }, (_, i) => record('finding', 'k', `value ${i}`, 0, i));
		const appends = Array.from({ length: 9000 }, (_, i) => ({ list: 'many', value: bytes(String(i)) }));
		const version = versionOf(await store.commit(of, commitOf('', 1, { cells, outbox, appends })));
		const state = await store.load(of);
		assert.equal(state.cells.size, 20_000);
		assert.ok(Buffer.alloc(700, 19_999).equals(state.cells.get('cell 19999') as Buffer));
		assert.deepEqual(
			state.outbox.map((o) => o.id),
			outbox.map((_, i) => i + 1),
		);
		assert.deepEqual((await listed(store, 'many', 0, of)).slice(-2), ['8998', '8999']);
		const gone = new Map([...cells.keys()].map((name) => [name, null]));
		const second = versionOf(await store.commit(of, commitOf(version, 2, { cells: gone })));
		assert.equal((await store.load(of)).cells.size, 0);
		const large = new Map([['large', Buffer.alloc(65 * 1024 ** 2)]]);
		await assert.rejects(
			store.commit(of, commitOf(second, 3, { cells: large })),
			rejectsWith('commit-too-large', /commitBytesMax/),
		);
		assert.equal((await store.load(of)).version, second);
	});

	test('spills the oldest values that earlier commits appended, and says how many', async () => {
		const of = next();
		const value = (i: number): Uint8Array => Buffer.from(`${i}:`.padEnd(300, '.'));
		const append = (from: number, to: number) =>
			Array.from({ length: to - from }, (_, i) => ({ list: 'spilled', value: value(from + i) }));
		let version = versionOf(await store.commit(of, commitOf('', 1, { appends: append(0, 6) })));
		assert.deepEqual(await store.listExtent(of, 'spilled'), { first: 0, end: 6 }, 'not what this commit appended');
		events.events.length = 0;
		version = versionOf(await store.commit(of, commitOf(version, 2, { appends: append(6, 7) })));
		assert.deepEqual(await store.listExtent(of, 'spilled'), { first: 4, end: 7 });
		assert.deepEqual(
			events.events.map((e) => [e.name, e.count, e.intentional, e.detail?.['bytes'], e.detail?.['list']]),
			[['list_values_spilled', 4, true, 1200, 'spilled']],
		);
		version = versionOf(await store.commit(of, commitOf(version, 3, { appends: append(7, 12) })));
		assert.deepEqual(await store.listExtent(of, 'spilled'), { first: 7, end: 12 });
		const numbers = async (from: number) =>
			(await listed(store, 'spilled', from, of)).map((v) => Number(v.split(':')[0]));
		assert.deepEqual(await numbers(0), [7, 8, 9, 10, 11]);
		assert.deepEqual(await numbers(10), [10, 11]);
		assert.deepEqual(await numbers(12), []);
		await store.commit(
			of,
			commitOf(version, 4, { expireLists: [{ list: 'spilled', afterMs: 0 }], appends: append(12, 13) }),
		);
		assert.deepEqual(await store.listExtent(of, 'spilled'), { first: 0, end: 0 });
	});

	test('shrinks a list far over its bound by steps', async () => {
		const of = next();
		const roomy = await openStore({ ...(url ? { url } : {}), keyPrefix: prefix });
		const appends = Array.from({ length: 50 }, (_, i) => ({ list: 'l', value: Buffer.alloc(1024 ** 2, i) }));
		let version = versionOf(await roomy.commit(of, commitOf('', 1, { appends })));
		const firsts: number[] = [];
		for (let n = 2; n < 7; n++) {
			const small = [{ list: 'l', value: bytes(String(n)) }];
			version = versionOf(await store.commit(of, commitOf(version, n, { appends: small })));
			firsts.push((await store.listExtent(of, 'l')).first);
		}
		assert.deepEqual(firsts, [16, 32, 48, 50, 50]);
		assert.deepEqual(await listed(store, 'l', 0, of), ['2', '3', '4', '5', '6']);
	});

	test('gives every list an end: after its retention, or when it is told', async () => {
		const of = next();
		const ttl = (list: string) => redis.pttl(`${prefix}{correlate:${of.partition}}:list:${list}`);
		const appends = ['kept', 'told', 'far'].map((list) => ({ list, value: bytes('v') }));
		const expireLists = [
			{ list: 'told', afterMs: 5000.5 },
			{ list: 'far', afterMs: Number.MAX_VALUE },
		];
		await store.commit(of, commitOf('', 1, { appends, expireLists }));
		assert.ok((await ttl('kept')) > 50_000 && (await ttl('kept')) <= 60_000);
		assert.ok((await ttl('told')) > 0 && (await ttl('told')) <= 5001);
		assert.ok((await ttl('far')) > 60_000);
	});

	test('ends the reading of a list that is dropped and begun anew', async () => {
		const of = next();
		const value = (i: number): Uint8Array => Buffer.from(`${i}:`.padEnd(300_000, '.'));
		const large = await openStore({ ...(url ? { url } : {}), keyPrefix: prefix });
		const appends = Array.from({ length: 40 }, (_, i) => ({ list: 'l', value: value(i) }));
		let version = versionOf(await large.commit(of, commitOf('', 1, { appends })));
		const reader = large.list(of, 'l')[Symbol.asyncIterator]();
		assert.equal(
			Buffer.from((await reader.next()).value as Uint8Array)
				.subarray(0, 2)
				.toString(),
			'0:',
		);
		version = versionOf(await large.commit(of, commitOf(version, 2, { expireLists: [{ list: 'l', afterMs: 0 }] })));
		await large.commit(of, commitOf(version, 3, { appends: appends.slice(20) }));
		let read = 1;
		for (let item = await reader.next(); !item.done; item = await reader.next()) {
			assert.ok(Buffer.from(item.value).toString('latin1', 0, 8).startsWith(`${read}:`), 'of the old list');
			read += 1;
		}
		assert.ok(read < 40, `${read} values`);
	});

	test('tells damaged contents apart from absent ones', async () => {
		const of = next();
		const key = (name: string): string => `${prefix}{correlate:${of.partition}}:${name}`;
		const version = versionOf(
			await store.commit(
				of,
				commitOf('', 1, { appends: [{ list: 'l', value: bytes('v') }], outbox: [record('finding', 'k', 'v')] }),
			),
		);
		const commit = commitOf(version, 2, {
			cells: new Map([['c', bytes('v')]]),
			appends: [{ list: 'l', value: bytes('w') }],
		});
		const unharmed = async (): Promise<void> =>
			assert.match((await redis.get(key('meta'))) ?? '', new RegExp(`^${version} `));

		await redis.lset(key('list:l'), 0, 'no header');
		await assert.rejects(store.commit(of, commit), rejectsWith('store-corrupt'));
		await assert.rejects(listed(store, 'l', 0, of), rejectsWith('store-corrupt'));
		await unharmed();
		await redis.del(key('list:l'));
		await redis.set(key('cells'), 'no hash');
		await assert.rejects(store.commit(of, commit), rejectsWith('store-corrupt'));
		await assert.rejects(store.load(of), rejectsWith('store-corrupt'));
		await unharmed();
		await redis.del(key('cells'));
		await redis.lset(key('outbox'), 0, 'nonsense 1 2 3 9999\nx');
		await assert.rejects(store.load(of), rejectsWith('store-corrupt'));
		await redis.del(key('outbox'));
		for (const meta of ['', 'v 1 2', 'v -1 0 0', 'v 1e9 0 0', `${'v'.repeat(300)} 1 1 1`]) {
			await redis.set(key('meta'), meta);
			await assert.rejects(store.load(of), rejectsWith('store-corrupt'), meta);
			await assert.rejects(store.lastOutboxId(of), rejectsWith('store-corrupt'), meta);
		}
		await redis.del(key('meta'));
		assert.equal((await store.load(of)).fresh, true);
	});

	test('says how full it is', async () => {
		await store.check();
		const { memoryBytes, memoryBytesMax, keys } = await store.stats();
		assert.ok(memoryBytes > 0 && memoryBytesMax >= 0 && keys > 0);
	});
});

describe('options', () => {
	const open = (options: object) => openStore({ ...options } as never);
	it('refuses combinations that mean nothing, each with a sentence', async () => {
		const address = { host: '127.0.0.1', port: 1 };
		await assert.rejects(open({}), /url, sentinels, cluster: expected exactly one, not 0/);
		await assert.rejects(open({ url: 'redis://h', cluster: [address] }), /exactly one, not 2/);
		await assert.rejects(open({ sentinels: [address] }), /masterName/);
		await assert.rejects(open({ url: 'redis://h', masterName: 'm' }), /masterName/);
		await assert.rejects(open({ cluster: [] }), /cluster/);
		await assert.rejects(open({ url: 'http://h' }), /url: expected redis/);
		await assert.rejects(open({ url: 'redis://h/0?enableOfflineQueue=true' }), /url: expected redis/);
		await assert.rejects(open({ url: 'redis://h', keyPrefix: 'a{b}' }), /keyPrefix/);
		await assert.rejects(open({ url: 'redis://h', listBytesMax: 0 }), /listBytesMax/);
		await assert.rejects(open({ url: 'redis://h', nonce: () => 'a b' }), /nonce/);
	});
	it('does not count on the nonce being asked for more than once', () => assert.notEqual(nonce(), nonce()));
});
