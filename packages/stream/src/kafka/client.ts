// kafkajs's client from our options, and its log lines as internal events.
import { type CompressionTypes, Kafka, type LogEntry, logLevel, type SASLOptions } from 'kafkajs';
import type { Emit } from '../internal-event.ts';
import { mendRequestQueue } from './kafkajs-mend.ts';
import type { KafkaCompression, KafkaConnection, KafkaSasl, KafkaTls } from './options.ts';
import type { Sockets } from './sockets.ts';

/** Short: every caller repeats by its own clock, so that a deadline is kept. */
const retry = { retries: 2, initialRetryTime: 100, maxRetryTime: 1_000 };

export const compressionTypes: Record<KafkaCompression, CompressionTypes> = { none: 0, gzip: 1, zstd: 4 };

/** `sockets`: the caller destroys them when it is done with the client. */
export function createClient(connection: KafkaConnection, sockets: Sockets): Kafka {
	mendRequestQueue();
	const { tls, sasl } = connection;
	return new Kafka({
		clientId: connection.clientId ?? 'affidavit',
		brokers: [...connection.brokers],
		connectionTimeout: connection.connectTimeoutMs ?? 3_000,
		authenticationTimeout: connection.requestTimeoutMs ?? 15_000,
		requestTimeout: connection.requestTimeoutMs ?? 15_000,
		retry,
		socketFactory: sockets.factory,
		...(tls ? { ssl: sslOf(tls) } : {}),
		...(sasl ? { sasl: saslOf(sasl) } : {}),
		logLevel: logLevel.WARN,
		logCreator: () => sparseLog(connection.emit ?? (() => {})),
	});
}

const sslOf = (tls: KafkaTls) => ({
	...(tls.ca === undefined ? {} : { ca: [tls.ca] }),
	...(tls.cert === undefined ? {} : { cert: tls.cert }),
	...(tls.key === undefined ? {} : { key: tls.key }),
	...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
});

function saslOf(sasl: KafkaSasl): SASLOptions {
	if (sasl.mechanism === 'oauthbearer')
		return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await sasl.token() }) };
	const { mechanism, username, password } = sasl;
	return { mechanism, username, password } as SASLOptions;
}

const lineGapMs = 1_000;
/** Said of every idempotent producer with bounded retries; ours is never used again after them (producer.ts). */
const unimportant = 'Limiting retries for the idempotent producer';

/** Closed list of reasons, by the part of the client that speaks. */
const reasons: Record<string, string> = {
	Connection: 'connection',
	BrokerPool: 'connection',
	Cluster: 'connection',
	Consumer: 'group',
	ConsumerGroup: 'group',
	Runner: 'group',
	Producer: 'producer',
};

/** Away brokers make kafkajs log with each try: one event a second and reason at most, which counts the others. */
function sparseLog(emit: Emit): (entry: LogEntry) => void {
	const held = new Map<string, { count: number; lastAt: number }>();
	return ({ namespace, level, log }) => {
		if (level > logLevel.WARN || log.message.startsWith(unimportant)) return;
		const reason = reasons[namespace] ?? 'other';
		const state = held.get(reason) ?? { count: 0, lastAt: 0 };
		held.set(reason, state);
		state.count += 1;
		const now = Date.now();
		if (now - state.lastAt < lineGapMs) return;
		emit({
			name: 'kafka_client_warnings',
			stage: 'kafka',
			reason,
			intentional: false,
			count: state.count,
			message: log.message,
			detail: { error: log.error, broker: log.broker, groupId: log.groupId },
		});
		state.count = 0;
		state.lastAt = now;
	};
}
