// One job from a source to signed sessions: opens log and store, runs source and stages side by side, drains, reads back.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ResolveManifest } from '@affidavit/detect/manifest/resolver.ts';
import { openFolderBlobs } from '@affidavit/stream/embedded/blobs.ts';
import { openEmbeddedLog } from '@affidavit/stream/embedded/log.ts';
import { openEmbeddedStore } from '@affidavit/stream/embedded/store.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Log, Store } from '@affidavit/stream/ports.ts';
import { openSource, type SourceWriter } from '@affidavit/stream/runner/source.ts';
import { openTopology } from '@affidavit/stream/runner/topology.ts';
import type { Config } from '../config/schema.ts';
import { CliError } from '../errors.ts';
import { makeFolder } from '../files.ts';
import type { SessionSummary } from '../sessions/summary.ts';
import type { Settings } from '../settings.ts';
import { createPipeline } from '../topology.ts';
import { type DeadLetterSummary, summariseDeadLetters } from './dead-letters.ts';
import { keepSummary, readResults } from './results.ts';

/** How long a run that has read everything waits for a webhook that fails: some five tries. */
const deliveryWaitMsMax = 30_000;

export type Ingested =
	| { kind: 'done'; events: number; deadLetters: number; notes: string[] }
	| { kind: 'aborted' }
	| { kind: 'error'; message: string };

export interface Job {
	/** Names input and settings: the same job goes on where it was (job.ts). */
	id: string;
	config: Config;
	settings: Settings;
	emit: Emit;
	/** Ends the run early; what is committed stays and the next run of the same job goes on from there. */
	signal?: AbortSignal;
	source: {
		/** `ingest:` and what it reads. */
		stage: string;
		/** Reads its input to the end, into `writer`. */
		read(writer: SourceWriter): Promise<Ingested>;
	};
	/** What becomes of the repository's answer on the way to the judge. */
	manifest?: (resolve: ResolveManifest) => ResolveManifest;
	/** What is to be said of a session besides what was signed of it. */
	describe?: (session: SessionSummary) => SessionSummary;
}

export interface ProcessOutcome {
	sessions: SessionSummary[];
	events: number;
	deadLetters: DeadLetterSummary;
	/** Findings that the webhook has not taken; the next run of the same job posts them. */
	undelivered: number;
	/** What the user should know of the input. */
	notes: string[];
}

/** null when `signal` ended it. Rejects with CliError on input that cannot be read. */
export async function runJob(job: Job): Promise<ProcessOutcome | null> {
	const { config, emit } = job;
	const folder = join(config.dataDir, 'jobs', job.id.slice(0, 16));
	await makeFolder(folder, 0o700);
	const log = openEmbeddedLog({ folder, maxBytes: config.limits.logBytesMax, emit });
	let store: Store | null = null;
	let outcome: ProcessOutcome | null;
	try {
		store = openEmbeddedStore({ folder, maxBytes: config.limits.storeBytesMax });
		outcome = await drive(job, log, store);
	} finally {
		await store?.close();
		await log.close();
	}
	// The input is the record: what was derived from it can be derived again, but for what nobody has taken yet.
	if (outcome !== null && outcome.undelivered === 0) await rm(folder, { recursive: true, force: true });
	return outcome;
}

async function drive(job: Job, log: Log, store: Store): Promise<ProcessOutcome | null> {
	const { config, settings, emit, signal } = job;
	const blobs = await openFolderBlobs({ folder: join(config.dataDir, 'blobs') });
	const manifest = job.manifest === undefined ? {} : { manifest: job.manifest };
	const pipeline = createPipeline({ config, log, store, blobs, emit, ...settings, ...manifest });
	try {
		const ports = { log, store, emit };
		const topology = await openTopology(pipeline.stages, ports);
		const writer = await openSource({ stage: job.source.stage, partition: 0 }, ports);
		const ingest = job.source.read(writer);
		const outcomes = await topology.run({ until: ingest, ...(signal ? { signal } : {}) });
		const ingested = await ingest;
		if (ingested.kind === 'error') throw new CliError('file-unreadable', ingested.message);
		if (ingested.kind === 'aborted' || outcomes.some((o) => o.kind !== 'drained')) return null;
		const sessions = (await readResults(log, config.outDir)).map(job.describe ?? ((session) => session));
		for (const session of sessions) await keepSummary(config.dataDir, session);
		const undelivered = await pipeline.settle(deliveryWaitMsMax, signal);
		const deadLetters = await summariseDeadLetters(log, ingested.deadLetters);
		return { sessions, events: ingested.events, deadLetters, undelivered, notes: ingested.notes };
	} finally {
		await pipeline.close();
	}
}
