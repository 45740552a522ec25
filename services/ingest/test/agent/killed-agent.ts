// What kill.test.ts kills: an agent on an export file, spooling and forwarding into an embedded log that stands for the brokers.
// Argument: the folder. Ends by itself when the export was read and everything is acknowledged.

import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openEmbeddedLog } from '@affidavit/stream/embedded/log.ts';
import { openSource } from '@affidavit/stream/runner/source.ts';
import { createForwarder, forwardLimits } from '../../src/agent/forward.ts';
import { type LiveObservation, liveIngestLimits, runLiveIngest } from '../../src/agent/live-ingest.ts';
import { openSpool } from '../../src/agent/spool.ts';
import { openExportSource } from '../../src/source/export/export-source.ts';
import { testDecoder } from '../source/test-decoder.ts';

const folder = process.argv[2] as string;
const nowUs = (): number => Date.now() * 1000;
const emit = (): void => {};
const spool = await openSpool({
	folder: join(folder, 'spool'),
	bytesMax: 256 * 1024 * 1024,
	durability: 'process',
	boot: 'boot',
	newEpoch: () => 1,
	emit,
	nowMs: Date.now,
});
const remote = openEmbeddedLog({ folder: join(folder, 'remote') });
const writer = await openSource({ stage: 'ingest', partition: 1 }, { log: spool.log, store: spool.store, emit });
const stop = new AbortController();
let last: LiveObservation | null = null;
const reading = runLiveIngest({
	openSource: (checkpoint) =>
		openExportSource({ path: join(folder, 'tetragon.log'), checkpoint, emit, nowUs, chunkBytes: 2048 }),
	decoder: testDecoder(),
	redact: (text) => text,
	key: { privateKey: createPrivateKey(readFileSync(join(folder, 'key.pem'))), keyId: 'k' },
	writer,
	host: 'a',
	boot: 'boot',
	recoveredChain: null,
	hooks: [],
	scrape: null,
	quarantine: null,
	nowUs,
	emit,
	signal: stop.signal,
	limits: { ...liveIngestLimits, heartbeatUs: 300_000, batch: { ...liveIngestLimits.batch, events: 20, ageUs: 1000 } },
	observe: (observation) => {
		last = observation;
	},
});
// All was read, committed and acknowledged, and nothing has come since the last look: heartbeats are further apart.
let seen = -1;
const looking = setInterval(() => {
	if (last?.idle && spool.backlog().records === 0 && writer.offset() === seen) stop.abort();
	seen = writer.offset();
}, 50);
process.stdout.write('running\n');
await createForwarder({
	spool,
	remote,
	host: () => 'a',
	seals: null,
	emit,
	nowMs: Date.now,
	random: Math.random,
	limits: { ...forwardLimits, bytes: 4096, retryMsMin: 1, retryMsMax: 5 },
}).run(reading, new AbortController().signal);
clearInterval(looking);
await spool.close();
await remote.close();
