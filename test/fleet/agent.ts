// What `affidavit agent --file` does, in this process: the recorded stream into a spool of the host's own, and from there on.
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { type FileIngestLimits, fileIngestLimits, runFileIngest } from '@affidavit/ingest/agent/file-ingest.ts';
import { createForwarder } from '@affidavit/ingest/agent/forward.ts';
import { openSpool } from '@affidavit/ingest/agent/spool.ts';
import { createJsonDecoder } from '@affidavit/ingest/json/decoder.ts';
import { createRedactor } from '@affidavit/ingest/redact/redactor.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Log } from '@affidavit/stream/ports.ts';
import { openSource } from '@affidavit/stream/runner/source.ts';
import type { Seals } from '@affidavit/stream/seal/seal.ts';
import type { SimulatedHost } from './hosts.ts';

export type SendingHost = Pick<SimulatedHost, 'name' | 'eventsFile' | 'privateKey' | 'keyId'>;

export interface SendOptions {
	/** Folder of the spools. */
	folder: string;
	remote: Pick<Log, 'append'>;
	seals: Seals;
	emit: Emit;
	/** Events per batch, at most. */
	batchEvents?: number;
}

/** Resolves when the remote log has acknowledged everything. */
export async function sendStream(host: SendingHost, options: SendOptions): Promise<void> {
	const { emit } = options;
	const spool = await openSpool({
		folder: join(options.folder, 'spools', host.name),
		bytesMax: 1024 ** 3,
		durability: 'process',
		boot: 'recorded',
		newEpoch: () => randomInt(2 ** 31 - 1),
		emit,
		nowMs: Date.now,
	});
	try {
		const writer = await openSource({ stage: `ingest:${host.name}`, partition: spool.epoch }, { ...spool, emit });
		const redact = createRedactor();
		const limits: FileIngestLimits = {
			...fileIngestLimits,
			batch: { ...fileIngestLimits.batch, events: options.batchEvents ?? 200 },
		};
		const ingest = runFileIngest({
			files: [host.eventsFile],
			decoder: createJsonDecoder({ redact }),
			redact,
			key: host,
			writer,
			metrics: [],
			emit,
			limits,
		});
		const forwarder = createForwarder({
			spool,
			remote: options.remote,
			host: () => host.name,
			seals: options.seals,
			emit,
			nowMs: Date.now,
			random: Math.random,
		});
		await forwarder.run(ingest, new AbortController().signal);
		const result = await ingest;
		if (result.kind !== 'done') throw new Error(`${host.name}: ${JSON.stringify(result)}`);
	} finally {
		await spool.close();
	}
}
