// Our side: topic `trace` filled with many hosts' batches (not measured), then one correlator process works it off.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openKafkaLog } from '@affidavit/stream/kafka/log.ts';
import { makeTopics } from '../../fleet/topics.ts';
import { benchKey } from '../bench-key.ts';
import type { WorkerOptions, WorkerResult } from './correlate-worker.ts';
import { type CpuSeconds, perMillion } from './result.ts';
import { partitions, type Servers } from './servers.ts';
import { batchesOf, type Work } from './workload.ts';

export interface OurRun {
	cpu: CpuSeconds;
	eventsPerSecond: number;
	/** Records of topic `session`. */
	outputs: number;
	peakMb: number;
}

/** As in the units and manifests of compose/ (docs/services.md). */
export const serviceHeapFlag = '--max-semi-space-size=64';

let round = 0;

export async function runOurs(servers: Servers, work: Work): Promise<OurRun> {
	round += 1;
	const topicPrefix = `ours-${round}.`;
	const { brokers } = servers.kafka;
	await makeTopics(brokers, topicPrefix, partitions);
	await fill(brokers, topicPrefix, work);
	const options: WorkerOptions = {
		brokers,
		topicPrefix,
		redisUrl: servers.redis.url,
		hostPublicKeyPem: benchKey.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
	};
	const before = servers.cpu();
	const { stdout, stderr } = await promisify(execFile)(process.execPath, [
		serviceHeapFlag,
		fileURLToPath(new URL('correlate-worker.ts', import.meta.url)),
		JSON.stringify(options),
	]);
	const after = servers.cpu();
	if (stderr !== '') process.stderr.write(stderr);
	const told = JSON.parse(stdout) as WorkerResult;
	return {
		cpu: perMillion(
			{ client: told.cpuSeconds, store: after.store - before.store, broker: after.broker - before.broker },
			work.events,
		),
		eventsPerSecond: Math.round(work.events / told.wallSeconds),
		outputs: told.outputs,
		peakMb: told.peakMb,
	};
}

/** As the agents' forwarders append: a host's batches in order, with their origins. */
async function fill(brokers: string, topicPrefix: string, { hosts }: Work): Promise<void> {
	const log = await openKafkaLog({ brokers: [brokers], topicPrefix });
	try {
		for (const { name, recording } of hosts)
			await log.append(
				batchesOf(recording, name).map((value, offset) => ({
					topic: 'trace',
					key: name,
					value,
					origin: { stage: `ingest:${name}`, partition: 0, offset, index: 0 },
				})),
			);
	} finally {
		await log.close();
	}
}
