// The session store on Redis (single server, Sentinel or Cluster). The fence is a version token in the scope's meta key; every
// commit is one script call. docs/redis.md says what the servers must be set to.
import { StreamError } from '../errors.ts';
import type { Commit, CommitResult, Scope, Store } from '../ports.ts';
import { commitArguments } from './commit-arguments.ts';
import { type Connection, connect } from './connection.ts';
import { createForgetting, type Forgetting } from './forgetting.ts';
import { checkServers, type RedisStats, readStats } from './health.ts';
import { listKey, type ScopeKeys, scopeKeys } from './keys.ts';
import { readExtent, readList } from './list.ts';
import { loadScope, parseMeta } from './load.ts';
import { type RedisSettings, type RedisStoreOptions, redisSettings } from './options.ts';

export interface RedisStore extends Store {
	/** For readiness. Rejects with StreamError: unavailable, refused, store-unfit. */
	check(): Promise<void>;
	stats(): Promise<RedisStats>;
}

/**
 * Throws RangeError for a wrong option; rejects with StreamError('refused') or ('store-unfit'). A server that is away is waited
 * for within the command's time only: after it the store opens all the same, and its calls reject with ('unavailable') until
 * the server is back.
 */
export async function openRedisStore(options: RedisStoreOptions): Promise<RedisStore> {
	const settings = redisSettings(options);
	const connection = connect(settings);
	try {
		await connection.ready();
		await checkServers(connection);
	} catch (error) {
		if (!(error instanceof StreamError && error.code === 'unavailable')) {
			connection.close();
			throw error;
		}
	}
	return createStore(connection, settings);
}

function createStore(connection: Connection, settings: RedisSettings): RedisStore {
	const keysOf = (scope: Scope): ScopeKeys => scopeKeys(settings.keyPrefix, scope);
	const forgetting = createForgetting(settings.publishedDelayMs, async ({ scope, id, atVersion }) => {
		const { meta, outbox } = keysOf(scope);
		await connection.answer('published', connection.client.affidavitPublished(2, meta, outbox, atVersion, id));
	});
	return {
		load: async (scope) => {
			await forgetting.flush(scope);
			return loadScope(connection, keysOf(scope));
		},
		commit: createCommit(connection, settings, forgetting),
		published: async (scope, id, atVersion) => {
			connection.assertOpen();
			forgetting.note({ scope, id, atVersion });
		},
		lastOutboxId: async (scope) => {
			const meta = parseMeta(await connection.answer('lastOutboxId', connection.client.get(keysOf(scope).meta)));
			return meta?.lastOutboxId ?? 0;
		},
		list: (scope, list, from = 0) => readList(connection, listKey(keysOf(scope), list), from),
		listExtent: async (scope, list) => readExtent(connection, listKey(keysOf(scope), list)),
		check: () => checkServers(connection),
		stats: () => readStats(connection),
		close: async () => {
			await forgetting.flushAll();
			forgetting.stop();
			connection.close();
		},
	};
}

/** Versions are OFFSET-NONCE-COUNTER: no store instance gives one out twice, and no two have the same nonce. */
function createCommit(connection: Connection, settings: RedisSettings, forgetting: Forgetting): Store['commit'] {
	let counter = 0;
	/** What a commit whose reply was lost would have become: the same one sent again is not taken for a stranger's. */
	const unanswered = new WeakMap<Commit, string>();
	return async (scope, commit) => {
		const { expectedVersion, nextOffset } = commit;
		counter += 1;
		const version = unanswered.get(commit) ?? `${nextOffset}-${settings.nonce}-${counter.toString(36)}`;
		const forget = forgetting.withCommit(scope, expectedVersion);
		const sent = commitArguments(scopeKeys(settings.keyPrefix, scope), commit, version, forget, settings);
		let reply: unknown;
		try {
			reply = await connection.answer('commit', connection.client.affidavitCommit(sent.values));
		} catch (error) {
			unanswered.set(commit, version);
			throw error;
		}
		forgetting.settle(scope, expectedVersion);
		return resultOf(reply, version, scope, sent.lists, settings);
	};
}

function resultOf(
	reply: unknown,
	version: string,
	scope: Scope,
	lists: readonly string[],
	settings: RedisSettings,
): CommitResult {
	if (!Array.isArray(reply)) throw new StreamError('store-corrupt', 'redis: commit: not a reply of its script');
	if (reply[0] === 0) return { kind: 'fenced', storedOffset: Number(reply[1]) };
	for (let i = 1; i + 2 < reply.length; i += 3)
		settings.emit({
			name: 'list_values_spilled',
			stage: scope.stage,
			reason: 'list-bytes',
			intentional: true,
			count: Number(reply[i + 1]),
			message: 'a list is over its bound: its oldest values are forgotten, their copies are in the log',
			detail: { partition: scope.partition, list: lists[Number(reply[i]) - 1], bytes: Number(reply[i + 2]) },
		});
	return { kind: 'committed', version };
}
