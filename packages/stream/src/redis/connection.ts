// The client library, held in one place: where to connect, how long to wait, what is told of a lost connection.
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { StreamError } from '../errors.ts';
import type { RedisSettings, RedisTls } from './options.ts';
import { codeOfError, streamErrorOf } from './reply-error.ts';
import { commitScript, publishedScript } from './scripts.ts';

/** The scripts, called as commands; the reply of a script is what it returns. */
interface Scripts {
	/** In one array: so many arguments are no call's. */
	affidavitCommit(args: (string | number | Buffer)[]): Promise<unknown>;
	affidavitPublished(...args: (string | number | Buffer)[]): Promise<unknown>;
}

export type Client = (Redis | Cluster) & Scripts;

export interface Connection {
	readonly client: Client;
	/** Waits for `reply` within the command's time. Rejects with StreamError; `what` is named in it. */
	answer<T>(what: string, reply: Promise<T>): Promise<T>;
	/** Throws StreamError('closed'). */
	assertOpen(): void;
	/** Every server that holds keys. */
	masters(): readonly Redis[];
	/** Resolves when connected; rejects with StreamError within the command's time. Called once. */
	ready(): Promise<void>;
	close(): void;
}

export const reconnectDelayMsMax = 5000;

const revivalDelayMs = 500;

/** Doubles from 50 ms; `spreadMs` keeps the clients of a server that comes back from all coming at once. */
export const reconnectDelayMs = (attempt: number, spreadMs: number): number =>
	Math.min(50 * 2 ** Math.min(attempt - 1, 10), reconnectDelayMsMax) + spreadMs;

export function connect(settings: RedisSettings): Connection {
	const { commandTimeoutMs, emit } = settings;
	let closed = false;
	let lastError: unknown;
	const client = createClient(settings);
	client.defineCommand('affidavitCommit', { lua: commitScript });
	client.defineCommand('affidavitPublished', { lua: publishedScript });
	const noteError = (error: unknown): void => {
		lastError = error;
		emit({
			name: 'store_connection_errors',
			stage: 'store',
			reason: codeOfError(error),
			intentional: false,
			message: 'redis: the connection failed; it is tried again',
			detail: { error: error instanceof Error ? error.message : String(error) },
		});
	};
	client.on('error', noteError);
	client.on('node error', noteError);
	client.on('ready', () => {
		lastError = undefined;
	});
	let revival: NodeJS.Timeout | null = null;
	// The client library gives up where a failover meets an attempt to connect that is under way; the store does not.
	client.on('end', () => {
		if (closed || revival !== null) return;
		revival = setTimeout(() => {
			revival = null;
			client.connect().catch(noteError);
		}, revivalDelayMs);
	});
	const answer = <T>(what: string, reply: Promise<T>): Promise<T> =>
		new Promise((resolve, reject) => {
			const timer = setTimeout(
				() => reject(new StreamError('unavailable', `redis: ${what}: no answer in ${commandTimeoutMs} ms`)),
				commandTimeoutMs,
			);
			reply.then(
				(value) => {
					clearTimeout(timer);
					resolve(value);
				},
				(error) => {
					clearTimeout(timer);
					reject(closed ? new StreamError('closed', 'redis store: closed') : streamErrorOf(what, error, lastError));
				},
			);
		});
	return {
		client,
		answer: (what, reply) => {
			if (!closed) return answer(what, reply);
			reply.catch(() => {});
			return Promise.reject(new StreamError('closed', 'redis store: closed'));
		},
		assertOpen: () => {
			if (closed) throw new StreamError('closed', 'redis store: closed');
		},
		masters: () => (client instanceof Cluster ? client.nodes('master') : [client]),
		ready: () => answer('connect', readiness(client)),
		close: () => {
			closed = true;
			if (revival !== null) clearTimeout(revival);
			client.disconnect();
		},
	};
}

/** A refused login is tried again for ever by the client library; here it ends the waiting. */
function readiness(client: Client): Promise<void> {
	if (client.status === 'ready') return Promise.resolve();
	return new Promise((resolve, reject) => {
		const onReady = (): void => end(resolve);
		const onEnd = (): void => end(() => reject(new Error('the connection ended')));
		const onError = (error: unknown): void => {
			if (codeOfError(error) === 'refused') end(() => reject(error));
		};
		const end = (settle: () => void): void => {
			client.off('ready', onReady).off('end', onEnd).off('error', onError).off('node error', onError);
			settle();
		};
		client.on('ready', onReady).on('end', onEnd).on('error', onError).on('node error', onError);
	});
}

function createClient(settings: RedisSettings): Client {
	const { place, nonce } = settings;
	let hash = 0;
	for (let i = 0; i < nonce.length; i++) hash = (hash * 31 + nonce.charCodeAt(i)) >>> 0;
	const spreadMs = hash % 200;
	const delay = (attempt: number): number => reconnectDelayMs(attempt, spreadMs);
	const common = commonOptions(settings);
	switch (place.kind) {
		case 'single':
			return new Redis({
				...common,
				...place.address,
				db: place.db,
				retryStrategy: delay,
				enableOfflineQueue: false,
			}) as Client;
		case 'sentinel':
			return new Redis({
				...common,
				sentinels: place.sentinels.map((address) => ({ ...address })),
				name: place.masterName,
				...(settings.sentinelUsername === undefined ? {} : { sentinelUsername: settings.sentinelUsername }),
				...(settings.sentinelPassword === undefined ? {} : { sentinelPassword: settings.sentinelPassword }),
				...(settings.tls ? { enableTLSForSentinelMode: true, sentinelTLS: tlsOptions(settings.tls) } : {}),
				sentinelRetryStrategy: delay,
				// A master that hangs, or is cut off with its clients, is left on the Sentinels' word.
				failoverDetector: true,
				sentinelReconnectStrategy: delay,
				sentinelCommandTimeout: settings.commandTimeoutMs,
				retryStrategy: delay,
				enableOfflineQueue: false,
			}) as Client;
		case 'cluster':
			return new Cluster(
				place.nodes.map((address) => ({ ...address })),
				{
					enableOfflineQueue: false,
					clusterRetryStrategy: delay,
					slotsRefreshTimeout: settings.commandTimeoutMs,
					slotsRefreshInterval: 5000,
					redisOptions: common,
				},
			) as unknown as Client;
	}
}

/** Its type is inferred: what a single server and a node of a cluster both take. */
function commonOptions(settings: RedisSettings) {
	return {
		...(settings.username === undefined ? {} : { username: settings.username }),
		...(settings.password === undefined ? {} : { password: settings.password }),
		...(settings.tls ? { tls: tlsOptions(settings.tls) } : {}),
		// Nothing here needs RESP3, and no ACL user needs CLIENT.
		protocol: 2 as const,
		disableClientInfo: true,
		connectTimeout: settings.commandTimeoutMs,
		// A connection with commands waiting and no byte in this time is dropped, with what is buffered for it.
		socketTimeout: settings.commandTimeoutMs,
		// A command is rejected when its connection goes: whether it was done is the caller's question, and the fence answers it.
		maxRetriesPerRequest: 0,
		autoResendUnfulfilledCommands: false,
		maxLoadingRetryTime: 1000,
		// A master that became a replica says READONLY: whoever is master now is found by connecting again.
		reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
	};
}

function tlsOptions(tls: RedisTls): NonNullable<RedisOptions['tls']> {
	return {
		...(tls.ca === undefined ? {} : { ca: tls.ca }),
		...(tls.cert === undefined ? {} : { cert: tls.cert }),
		...(tls.key === undefined ? {} : { key: tls.key }),
		...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
	};
}
