// The servers of one benchmark run: a broker and a Redis of their own, so that nobody else's work is counted.
import { type KafkaServer, startKafka } from '../../servers/kafka.ts';
import { type RedisServer, startRedis } from '../../servers/redis.ts';
import { cpuSecondsOf } from './cpu.ts';

export interface Servers extends AsyncDisposable {
	kafka: KafkaServer;
	redis: RedisServer;
	/** CPU seconds of each so far. */
	cpu(): { store: number; broker: number };
}

export const partitions = 8;

export async function startServers(): Promise<Servers> {
	// Full optimisation, as in production: the broker's share of the cost is part of the figure.
	const kafka = await startKafka({ life: 'long', heapMb: 1024 });
	const redis = await startRedis({ aof: 'everysec' }).catch(async (error: unknown) => {
		await kafka[Symbol.asyncDispose]();
		throw error;
	});
	return {
		kafka,
		redis,
		cpu: () => ({ store: cpuSecondsOf(pidOf(redis)), broker: cpuSecondsOf(pidOf(kafka)) }),
		async [Symbol.asyncDispose]() {
			await redis[Symbol.asyncDispose]();
			await kafka[Symbol.asyncDispose]();
		},
	};
}

function pidOf(server: { pid(): number | null }): number {
	const pid = server.pid();
	if (pid === null) throw new Error('a server of the benchmark has ended');
	return pid;
}
