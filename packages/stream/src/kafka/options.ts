// What the Kafka log is opened with. Plain data and functions: no type of the client library.
import type { Emit } from '../internal-event.ts';
import type { Topic } from '../ports.ts';

export interface KafkaTls {
	/** PEM texts. Without `ca` the system's authorities are trusted. */
	ca?: string;
	/** Client certificate (mTLS). */
	cert?: string;
	key?: string;
	/** Name that the broker's certificate must bear, when it is not the host connected to. */
	serverName?: string;
}

export type KafkaSasl =
	| { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string }
	/** Called for each connection and again before the session's lifetime ends. */
	| { mechanism: 'oauthbearer'; token: () => Promise<string> };

export type KafkaCompression = 'none' | 'gzip' | 'zstd';

/** Swaps the schema ids of framed values: the repo's own in the program, the registry's on the wire. */
export interface WireFrames {
	/** Must not change `value`'s bytes in place. */
	toWire(topic: Topic, value: Uint8Array): Uint8Array;
	/** May change and return the bytes in place. What it does not know it leaves: the stage's codec refuses it. */
	fromWire(topic: Topic, value: Uint8Array): Uint8Array;
	/** Awaited before `fromWire` for a page of values, where ids must be fetched first. */
	prepare?(topic: Topic, values: readonly Uint8Array[]): Promise<void>;
}

export interface KafkaConnection {
	/** `host:port` of some brokers; the others are learned from them. */
	brokers: readonly string[];
	/** Default `affidavit`. */
	clientId?: string;
	tls?: KafkaTls;
	sasl?: KafkaSasl;
	/** To open a connection, milliseconds. Default 3,000. */
	connectTimeoutMs?: number;
	/** For one request, milliseconds. Default 15,000. */
	requestTimeoutMs?: number;
	emit?: Emit;
}

export interface KafkaLogOptions extends KafkaConnection {
	/** Before the name of every topic and group. Default `affidavit.`. */
	topicPrefix?: string;
	/** Topics that must be there, else opening fails. Default none: all are looked up, and using one that is missing or forbidden fails. */
	topics?: readonly Topic[];
	/** Default `zstd` (docs/kafka.md has the measurement). */
	compression?: KafkaCompression;
	/** Level of zstd (1 to 22) or gzip (1 to 9). Default 1. */
	compressionLevel?: number;
	frames?: WireFrames;
	/** An append that is not acknowledged by then fails as `unavailable`, milliseconds. Default 30,000. */
	appendTimeoutMs?: number;
	/** Bytes of values in one produce request; one larger record still passes. Default 4 MiB. */
	sendBytesMax?: number;
	/** Live records read ahead, bytes per partition. Default 4 MiB. */
	bufferBytesMax?: number;
	/** What a batch of records may grow to when it is decompressed, bytes; a larger one is left out and counted. Default 64 MiB. */
	batchBytesMax?: number;
	/** How long a broker holds a live fetch that has nothing to give, milliseconds. Default 250. */
	pollWaitMs?: number;
	/** Least time between two live fetches from one broker, milliseconds: many small appends are taken together. Default 5. */
	pollGapMs?: number;
	/** A member that is silent for so long has left, milliseconds. Default 10,000; the broker's floor is 6,000. */
	sessionTimeoutMs?: number;
	/** Default a tenth of the session timeout. */
	heartbeatMs?: number;
	/** How often buffered low waters are committed, milliseconds. Default 1,000. */
	lowWaterMs?: number;
}

export type ResolvedKafkaOptions = Required<Omit<KafkaLogOptions, 'tls' | 'sasl'>> &
	Pick<KafkaLogOptions, 'tls' | 'sasl'>;

const identityFrames: WireFrames = {
	toWire: (_topic, value) => value,
	fromWire: (_topic, value) => value,
};

const defaults = {
	clientId: 'affidavit',
	connectTimeoutMs: 3_000,
	requestTimeoutMs: 15_000,
	emit: () => {},
	topicPrefix: 'affidavit.',
	topics: [] as readonly Topic[],
	compression: 'zstd' as KafkaCompression,
	compressionLevel: 1,
	frames: identityFrames,
	appendTimeoutMs: 30_000,
	sendBytesMax: 4 * 1024 ** 2,
	bufferBytesMax: 4 * 1024 ** 2,
	batchBytesMax: 64 * 1024 ** 2,
	pollWaitMs: 250,
	pollGapMs: 5,
	sessionTimeoutMs: 10_000,
	lowWaterMs: 1_000,
};

/** Throws RangeError for what can never work. */
export function resolveOptions(options: KafkaLogOptions): ResolvedKafkaOptions {
	const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
	const resolved: Omit<ResolvedKafkaOptions, 'heartbeatMs'> & { heartbeatMs?: number } = {
		...defaults,
		...(given as unknown as KafkaLogOptions),
	};
	if (resolved.brokers.length === 0) throw new RangeError('brokers: expected at least one host:port');
	const heartbeatMs = resolved.heartbeatMs ?? Math.max(100, Math.floor(resolved.sessionTimeoutMs / 10));
	if (heartbeatMs * 3 > resolved.sessionTimeoutMs)
		throw new RangeError(`heartbeatMs: ${heartbeatMs}: expected at most a third of sessionTimeoutMs`);
	return { ...resolved, heartbeatMs };
}
