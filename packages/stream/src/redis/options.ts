// What openRedisStore takes, with its bounds. No type of the client library appears here.
import type { Emit } from '../internal-event.ts';
import { lifetimeMsMax } from './commit-arguments.ts';

export interface RedisAddress {
	host: string;
	port: number;
}

export interface RedisTls {
	/** PEM text of the authorities that the server's certificate is checked with; the system's own when absent. */
	ca?: string | undefined;
	/** PEM text of the client's certificate chain and its key (mTLS). */
	cert?: string | undefined;
	key?: string | undefined;
	/** Name expected in the server's certificate, where it is not the host of the address. */
	serverName?: string | undefined;
}

/** Exactly one of `url`, `sentinels` (with `masterName`) and `cluster` says where. */
export interface RedisStoreOptions {
	/** `redis://HOST:PORT/DB`, or `rediss://` for TLS; may carry user and password, percent-encoded. */
	url?: string | undefined;
	sentinels?: readonly RedisAddress[] | undefined;
	/** What the Sentinels call the master. */
	masterName?: string | undefined;
	/** Some nodes of a Redis Cluster; the others are learnt from them. */
	cluster?: readonly RedisAddress[] | undefined;
	/** ACL user; `default` when only a password is given. Goes before what the URL says. */
	username?: string | undefined;
	password?: string | undefined;
	sentinelUsername?: string | undefined;
	sentinelPassword?: string | undefined;
	/** TLS to the servers, and to the Sentinels. */
	tls?: RedisTls | undefined;
	/** Before every key. Default `affidavit:`. */
	keyPrefix?: string | undefined;
	/** From this size on a list forgets its oldest values (Store.listExtent). Default 256 MiB. */
	listBytesMax?: number | undefined;
	/** A list goes this long after its last append if nothing expired it before. Default 7 days. */
	retentionMs?: number | undefined;
	/** A commit over it is refused. Default 64 MiB. */
	commitBytesMax?: number | undefined;
	/** Bound of every single command. Default 10 s. */
	commandTimeoutMs?: number | undefined;
	/** An idle scope's outputs are forgotten this long after they were published; a busy one's with its next commit. Default 100. */
	publishedDelayMs?: number | undefined;
	emit: Emit;
	/**
	 * Called once. Part of every version this store gives out, so it must be another for each store opened, ever:
	 * 128 random bits. 1 to 64 of A-Z a-z 0-9 _.
	 */
	nonce: () => string;
}

export type Place =
	| { kind: 'single'; address: RedisAddress; db: number }
	| { kind: 'sentinel'; sentinels: readonly RedisAddress[]; masterName: string }
	| { kind: 'cluster'; nodes: readonly RedisAddress[] };

/** The options, checked and with their defaults. */
export interface RedisSettings {
	place: Place;
	username: string | undefined;
	password: string | undefined;
	sentinelUsername: string | undefined;
	sentinelPassword: string | undefined;
	tls: RedisTls | undefined;
	keyPrefix: string;
	listBytesMax: number;
	retentionMs: number;
	commitBytesMax: number;
	commandTimeoutMs: number;
	publishedDelayMs: number;
	emit: Emit;
	nonce: string;
}

export const defaultKeyPrefix = 'affidavit:';

/** Throws RangeError that names the option. */
export function redisSettings(options: RedisStoreOptions): RedisSettings {
	const url = options.url === undefined ? undefined : parseUrl(options.url);
	const nonce = options.nonce();
	if (!/^[A-Za-z0-9_]{1,64}$/.test(nonce)) throw new RangeError('nonce: expected 1 to 64 of A-Z a-z 0-9 _');
	return {
		place: placeOf(options, url),
		username: options.username ?? url?.username,
		password: options.password ?? url?.password,
		sentinelUsername: options.sentinelUsername,
		sentinelPassword: options.sentinelPassword,
		tls: options.tls ?? (url?.tls ? {} : undefined),
		keyPrefix: checkPrefix(options.keyPrefix ?? defaultKeyPrefix),
		listBytesMax: positive('listBytesMax', options.listBytesMax ?? 256 * 1024 ** 2),
		retentionMs: Math.min(lifetimeMsMax, positive('retentionMs', options.retentionMs ?? 7 * 24 * 3600 * 1000)),
		commitBytesMax: positive('commitBytesMax', options.commitBytesMax ?? 64 * 1024 ** 2),
		commandTimeoutMs: positive('commandTimeoutMs', options.commandTimeoutMs ?? 10_000),
		publishedDelayMs: positive('publishedDelayMs', options.publishedDelayMs ?? 100),
		emit: options.emit,
		nonce,
	};
}

function placeOf(options: RedisStoreOptions, url: ParsedUrl | undefined): Place {
	const { sentinels, masterName, cluster } = options;
	const given = [url, sentinels, cluster].filter((place) => place !== undefined).length;
	if (given !== 1) throw new RangeError(`url, sentinels, cluster: expected exactly one, not ${given}`);
	if ((masterName === undefined) !== (sentinels === undefined))
		throw new RangeError('masterName: expected with sentinels, and only with them');
	if (url) return { kind: 'single', address: url.address, db: url.db };
	if (sentinels) {
		if (sentinels.length === 0) throw new RangeError('sentinels: expected at least one address');
		return { kind: 'sentinel', sentinels, masterName: masterName ?? '' };
	}
	if (!cluster || cluster.length === 0) throw new RangeError('cluster: expected at least one address');
	return { kind: 'cluster', nodes: cluster };
}

interface ParsedUrl {
	address: RedisAddress;
	db: number;
	tls: boolean;
	username: string | undefined;
	password: string | undefined;
}

/** The client's own parser would take any of its options from the query; this one takes none. */
function parseUrl(text: string): ParsedUrl {
	const url = URL.parse(text);
	const database = url?.pathname.match(/^\/?(\d{0,4})$/);
	if (!url || !database || (url.protocol !== 'redis:' && url.protocol !== 'rediss:') || url.search || !url.hostname)
		throw new RangeError('url: expected redis://HOST:PORT or rediss://HOST:PORT, with a database number at most');
	return {
		// A bracketed IPv6 address is written without its brackets to a socket.
		address: { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: url.port === '' ? 6379 : Number(url.port) },
		db: Number(database[1] || 0),
		tls: url.protocol === 'rediss:',
		username: url.username === '' ? undefined : decodeURIComponent(url.username),
		password: url.password === '' ? undefined : decodeURIComponent(url.password),
	};
}

/** A brace of its own would move the hash tag, and with it a scope's keys, to other slots of a cluster. */
export function checkPrefix(prefix: string): string {
	if (!/^[\x21-\x7a]{0,64}$/.test(prefix))
		throw new RangeError('keyPrefix: expected at most 64 visible ASCII characters, without braces');
	return prefix;
}

function positive(name: string, value: number): number {
	if (!Number.isSafeInteger(value) || value < 1)
		throw new RangeError(`${name}: ${value}: expected a whole number from 1`);
	return value;
}
