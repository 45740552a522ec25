// The real stages over the log, store and blobs in memory, and what a simulated process needs to run one of them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFacts } from '@affidavit/cli/read-facts.ts';
import { createCorrelateStage, factsList } from '@affidavit/correlate/stage.ts';
import { createIndicatorSet } from '@affidavit/detect/core/indicator-set.ts';
import { loadRuleSet } from '@affidavit/detect/rules/load.ts';
import { createDetectStage } from '@affidavit/detect/stage.ts';
import { createKeySigner } from '@affidavit/sign/signing/envelope-signer.ts';
import { createSignStage } from '@affidavit/sign/stage.ts';
import { collectingEmit, type Emit } from '@affidavit/stream/internal-event.ts';
import { createMemoryBlobs } from '@affidavit/stream/memory/blobs.ts';
import { createMemoryLog, type MemoryLog } from '@affidavit/stream/memory/log.ts';
import { createMemoryStore, type MemoryStore } from '@affidavit/stream/memory/store.ts';
import type { Blobs, Log, OutRecord, Store } from '@affidavit/stream/ports.ts';
import type { Seals } from '@affidavit/stream/seal/seal.ts';
import type { Stage } from '@affidavit/stream/stage.ts';
import { sealsOf } from '../../packages/stream/test/sim/forger.ts';
import { newHostKey, type SimulatedKey } from './delivery.ts';
import type { Manifests } from './recordings.ts';

export interface World {
	log: MemoryLog;
	/** Of the stages: it may be lost. */
	store: MemoryStore;
	/** Of the sources: each host's own disk. */
	hostStore: MemoryStore;
	blobs: Blobs;
	outDir: string;
	/** Records of topic `trace` that each host's source writes, by host. */
	inputs: ReadonlyMap<string, readonly OutRecord[]>;
	manifests: Manifests;
	keys: HostKeys;
	skewUs: number;
	/** Of each stage; null: the log is one process's own. */
	seals: ReadonlyMap<string, Seals> | null;
	events: ReturnType<typeof collectingEmit>;
}

/** One key for each host, and what the correlator is told of them. */
export type HostKeys = ReadonlyMap<string, SimulatedKey>;

export interface WorldOptions {
	inputs: World['inputs'];
	manifests: Manifests;
	keys: HostKeys;
	partitions: number;
	skewUs: number;
	/** Stages seal what they write, and take nothing else. Default false. */
	sealed?: boolean;
}

export function openWorld({ partitions, sealed, ...rest }: WorldOptions): World {
	return {
		...rest,
		seals: sealed ? sealsOf(stageNames) : null,
		log: createMemoryLog({ partitions: { trace: partitions, session: partitions, verdict: partitions } }),
		store: createMemoryStore(),
		hostStore: createMemoryStore(),
		blobs: createMemoryBlobs(),
		outDir: mkdtempSync(join(tmpdir(), 'affidavit-sim-')),
		events: collectingEmit(),
	};
}

export const closeWorld = (world: World): void => rmSync(world.outDir, { recursive: true, force: true });

export const stageNames = ['correlate', 'detect', 'sign'] as const;
export type StageName = (typeof stageNames)[number];

/** What a process's calls go through: gated in a simulation, straight otherwise. */
export interface ProcessPorts {
	log: Log;
	store: Store;
	seals?: Seals;
	/** Waits its turn before work that takes time outside log and store. */
	gate: (point: string) => Promise<void>;
}

const rules = loadRuleSet();
const indicators = createIndicatorSet([]);
const signingKey = newHostKey();
const signer = createKeySigner(signingKey.privateKey, signingKey.keyId);

/** A fresh stage, as a process that starts has it. Retries of the signer do not wait. */
export function openStage(name: StageName, world: World, ports: ProcessPorts): Stage {
	const { emit } = world.events;
	const { gate } = ports;
	switch (name) {
		case 'correlate':
			return createCorrelateStage({
				resolveKey: (host, keyId) => {
					const key = world.keys.get(host);
					return key?.keyId === keyId ? key.publicKey : undefined;
				},
				emit,
				limits: { skewUs: world.skewUs },
			});
		case 'detect':
			return createDetectStage({
				rules,
				indicators: () => indicators,
				resolveManifest: async ({ repository }) => {
					await gate('manifest');
					return world.manifests.get(repository) ?? { manifest: null, note: 'not-configured: no such repository' };
				},
				blobs: { put: (bytes) => gated(gate, 'put', () => world.blobs.put(bytes)) },
				readFacts: (session, hint, expected) => readFacts(ports, session, factsList(session), expected, hint),
				emit,
			});
		case 'sign':
			return signStage(world, ports, emit);
	}
}

const signStage = (world: World, ports: ProcessPorts, emit: Emit): Stage =>
	createSignStage({
		readFacts: ({ session, factsList: list, factBatches: batches, factsHead: head }) =>
			readFacts(ports, session, list, { batches, head }),
		blobs: world.blobs,
		signer: {
			verifier: signer.verifier,
			sign: (payload) => gated(ports.gate, 'signature', () => signer.sign(payload)),
		},
		outDir: world.outDir,
		emit,
		sleep: async () => {},
	});

async function gated<T>(gate: ProcessPorts['gate'], point: string, call: () => Promise<T>): Promise<T> {
	await gate(`before ${point}`);
	const result = await call();
	await gate(`after ${point}`);
	return result;
}
