// An agent's own parts (spool, signed batches, forwarder) in a process that sends a stream in many small batches, one at a time,
// so that everything else dies in the middle of its sessions. `affidavit agent --file` sends the same stream in three.
// Arguments: JSON of a SlowAgentTask.
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { keyIdOf } from '@affidavit/model/batch-signature.ts';
import { openKafkaLog } from '@affidavit/stream/kafka/log.ts';
import { createKeyedSeals } from '@affidavit/stream/seal/keyed-seals.ts';
import { sendStream } from '../fleet/agent.ts';
import { patiently } from './patiently.ts';

export interface SlowAgentTask {
	brokers: string;
	prefix: string;
	host: string;
	eventsFile: string;
	keyFile: string;
	/** Data folder. */
	folder: string;
	batchEvents: number;
	/** Between two appends. */
	pauseMs: number;
}

const task = JSON.parse(process.argv[2] ?? '') as SlowAgentTask;
const privateKey = createPrivateKey(readFileSync(task.keyFile));
const publicKey = createPublicKey(privateKey);
const key = { privateKey, publicKey, keyId: keyIdOf(publicKey) };
const options = { brokers: [task.brokers], topicPrefix: task.prefix, appendTimeoutMs: 10_000, requestTimeoutMs: 5_000 };
const log = await patiently(() => openKafkaLog(options), Number.POSITIVE_INFINITY);
const remote: Parameters<typeof sendStream>[1]['remote'] = {
	append: async (records) => {
		for (const record of records) {
			await log.append([record]);
			await sleep(task.pauseMs);
		}
	},
};
await sendStream(
	{ ...key, name: task.host, eventsFile: task.eventsFile },
	{
		folder: task.folder,
		remote,
		seals: createKeyedSeals({ own: key, resolve: () => undefined }),
		emit: ({ message }) => void process.stderr.write(`${message}\n`),
		batchEvents: task.batchEvents,
	},
);
await log.close();
