// One correlator of the fleet with all its guarantees, measured: from the first partition it opens until everything that topic
// `trace` held at the start is read, committed and published. Prints one JSON object (WorkerResult).
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createCorrelateStage } from '@affidavit/correlate/stage.ts';
import { keyIdOf } from '@affidavit/model/batch-signature.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import { openKafkaLog } from '@affidavit/stream/kafka/log.ts';
import { openRedisStore } from '@affidavit/stream/redis/store.ts';
import { runStages } from '@affidavit/stream/runner/group.ts';
import type { StepObservation } from '@affidavit/stream/runner/options.ts';
import { createKeyedSeals } from '@affidavit/stream/seal/keyed-seals.ts';
import type { Stage } from '@affidavit/stream/stage.ts';

export interface WorkerOptions {
	brokers: string;
	redisUrl: string;
	topicPrefix: string;
	hostPublicKeyPem: string;
}

export interface WorkerResult {
	/** Records of topic `trace`. */
	batches: number;
	/** Records of topic `session`. */
	outputs: number;
	cpuSeconds: number;
	wallSeconds: number;
	peakMb: number;
}

const options = JSON.parse(process.argv[2] ?? '') as WorkerOptions;
const hostKey = createPublicKey(options.hostPublicKeyPem);
const service = generateKeyPairSync('ed25519');
const keyId = keyIdOf(service.publicKey);
const emit: Emit = (event) => {
	if (!event.intentional) process.stderr.write(`${event.name}: ${event.message}\n`);
};
const { brokers, topicPrefix, redisUrl } = options;
const log = await openKafkaLog({ brokers: brokers.split(','), topicPrefix, emit });
const store = await openRedisStore({
	url: redisUrl,
	keyPrefix: topicPrefix,
	emit,
	nonce: () => randomBytes(16).toString('hex'),
});
const seals = createKeyedSeals({
	own: { privateKey: service.privateKey, keyId },
	resolve: (id) => (id === keyId ? { publicKey: service.publicKey, writes: () => true } : undefined),
});
const correlate = createCorrelateStage({ resolveKey: () => hostKey, emit });

let started: { cpu: NodeJS.CpuUsage; at: number } | null = null;
const stage: Stage = {
	...correlate,
	open: (partition, cells) => {
		started ??= { cpu: process.cpuUsage(), at: performance.now() };
		return correlate.open(partition, cells);
	},
};
const result: WorkerResult = { batches: 0, outputs: 0, cpuSeconds: 0, wallSeconds: 0, peakMb: 0 };
const observe = ({ records, outputs }: StepObservation): void => {
	result.batches += records;
	result.outputs += outputs;
};

const partitions = log.partitions('trace');
let wanted = 0;
for (let partition = 0; partition < partitions; partition++) wanted += (await log.bounds('trace', partition)).end;
const stop = new AbortController();
const running = runStages([stage], { log, store, emit, seals }, log, { signal: stop.signal, observe });
const failed = running.done.then(() => Promise.reject(new Error('the stage ended before its input did')));
const finished = async (): Promise<void> => {
	while (result.batches < wanted) await delay(5);
};
await Promise.race([finished(), failed]);
const { cpu, at } = started ?? { cpu: process.cpuUsage(), at: performance.now() };
const used = process.cpuUsage(cpu);
result.cpuSeconds = (used.user + used.system) / 1e6;
result.wallSeconds = (performance.now() - at) / 1000;
result.peakMb = Math.round(process.resourceUsage().maxRSS / 1024);
process.stdout.write(`${JSON.stringify(result)}\n`);
failed.catch(() => {});
stop.abort();
await running.done;
await store.close();
await log.close();
