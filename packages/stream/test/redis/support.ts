// Stores on a real Redis, for these tests.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { Redis } from 'ioredis';
import { StreamError, type StreamErrorCode } from '../../src/errors.ts';
import { collectingEmit } from '../../src/internal-event.ts';
import type { Commit, CommitResult, Store } from '../../src/ports.ts';
import type { RedisStoreOptions } from '../../src/redis/options.ts';
import { openRedisStore, type RedisStore } from '../../src/redis/store.ts';

export const scope = { stage: 'correlate', partition: 7 };

export const nonce = (): string => randomBytes(16).toString('hex');

export const bytes = (text: string): Uint8Array => Buffer.from(text);

/** Key prefix of this run alone: the server may be shared. */
export const freshPrefix = (): string => `test-redis-${randomBytes(6).toString('hex')}:`;

const opened = new Set<RedisStore>();

/** Closed by closeStores at the latest. */
export async function openStore(
	options: Partial<RedisStoreOptions> & { events?: ReturnType<typeof collectingEmit> },
): Promise<RedisStore> {
	const store = await openRedisStore({ emit: (options.events ?? collectingEmit()).emit, nonce, ...options });
	opened.add(store);
	return store;
}

/** A test that failed must not keep its process. */
export async function closeStores(): Promise<void> {
	await Promise.all([...opened].map((store) => store.close()));
	opened.clear();
}

/** The URL of the server that all tests share; skips the test where there is none. */
export function givenRedis(t: Pick<TestContext, 'skip'>): string | null {
	const url = process.env['REDIS_URL'];
	if (url) return url;
	const why = process.env['AFFIDAVIT_REDIS_MISSING'];
	t.skip(`REDIS_URL is not set${why ? `: ${why}` : ''} (npm test starts a Redis)`);
	return null;
}

export const commitOf = (expectedVersion: string, nextOffset: number, rest: Partial<Commit> = {}): Commit => ({
	expectedVersion,
	nextOffset,
	lowWaterOffset: 0,
	cells: new Map(),
	appends: [],
	outbox: [],
	...rest,
});

export function versionOf(result: CommitResult): string {
	assert.equal(result.kind, 'committed');
	return result.kind === 'committed' ? result.version : '';
}

export const rejectsWith = (code: StreamErrorCode, message?: RegExp) => (error: unknown) => {
	assert.ok(error instanceof StreamError, String(error));
	assert.equal(error.code, code, error.message);
	if (message) assert.match(error.message, message);
	return true;
};

export const listed = async (store: Store, list: string, from = 0, of = scope): Promise<string[]> =>
	(await Array.fromAsync(store.list(of, list, from))).map((value) => Buffer.from(value).toString());

/** Repeats while the server is away, as a runner does. */
export async function persistently<T>(attempt: () => Promise<T>, msMax = 60_000): Promise<T> {
	const untilMs = performance.now() + msMax;
	for (;;) {
		try {
			return await attempt();
		} catch (error) {
			if (!(error instanceof StreamError && error.code === 'unavailable') || performance.now() > untilMs) throw error;
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	}
}

export type { RedisStore };

/** The shared server keeps nothing of a test. */
export async function removeKeys(url: string, prefix: string): Promise<void> {
	const redis = new Redis(url);
	for await (const keys of redis.scanBufferStream({ match: `${prefix}*`, count: 1000 }))
		if ((keys as Buffer[]).length > 0) await redis.unlink(...(keys as Buffer[]));
	redis.disconnect();
}
