// The stages of each service. What they need from files is read before any server is asked.
import { access } from 'node:fs/promises';
import type { PartitionView } from '@affidavit/correlate/health.ts';
import { startTicker } from '@affidavit/correlate/ticker.ts';
import { createTrustStage } from '@affidavit/detect/trust/stage.ts';
import type { ResolveKey } from '@affidavit/model/batch-signature.ts';
import { openFolderBlobs } from '@affidavit/stream/embedded/blobs.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Log, Store } from '@affidavit/stream/ports.ts';
import type { Seals } from '@affidavit/stream/seal/seal.ts';
import type { Stage } from '@affidavit/stream/stage.ts';
import type { Config } from '../config/schema.ts';
import { CliError } from '../errors.ts';
import { makeFolder } from '../files.ts';
import { alertOf, indicatorsOf, matchersOf, openSigning, rulesOf } from '../settings.ts';
import { alertStage, correlateStage, detectStage, signStage } from '../topology.ts';
import { patientBlobs } from './patient-blobs.ts';
import type { Environment } from './secrets.ts';
import type { ServiceKey } from './service-key.ts';
import type { ServiceName } from './services.ts';
import type { TrustedKeys } from './trusted-keys.ts';

export interface StagesContext {
	config: Config;
	env: Environment;
	emit: Emit;
	own: ServiceKey;
	trusted: TrustedKeys;
}

export interface FleetWorld {
	log: Log;
	store: Store;
	seals: Seals;
	/** From topic `host`. */
	resolveKey: ResolveKey;
	/** Whether this member has the partition of the stage now. */
	owns: (stage: string, partition: number) => boolean;
}

export interface ServiceStages {
	stages: Stage[];
	/** What the correlator knows of its hosts, for the metrics; empty for the others. */
	views: () => PartitionView[];
	/** What runs beside the stages, from when the group is joined on. */
	start(): void;
	close(): Promise<void>;
}

/** Rejects with CliError before any server is asked; the result is called once they are there. */
export type Prepare = (context: StagesContext) => Promise<(world: FleetWorld) => ServiceStages>;

export const prepareStages: Readonly<Record<ServiceName, Prepare>> = {
	correlate: async ({ config, emit, own, trusted }) => {
		const matchers = await matchersOf(config);
		const resolveTickKey = (keyId: string) => {
			const key = trusted.get(keyId);
			return key?.name === 'correlate' ? key.publicKey : undefined;
		};
		return ({ log, resolveKey, owns }) => {
			const stage = correlateStage({ config, emit, matchers, resolveKey, resolveTickKey });
			// The views of partitions that have moved away stand still: their hosts are not silent.
			const views = (): PartitionView[] => [...stage.views()].filter(({ partition }) => owns(stage.name, partition));
			let ticker: ReturnType<typeof startTicker> | null = null;
			return {
				stages: [stage],
				views,
				start: () => {
					ticker = startTicker({ log, views, key: own, emit, limits: { silentUs: config.silentMs * 1000 } });
				},
				close: async () => ticker?.close(),
			};
		};
	},
	detect: async ({ config, emit }) => {
		const rules = rulesOf(config);
		const indicators = await indicatorsOf(config);
		const blobs = await openFolderBlobs({ folder: config.service.blobsDir });
		return ({ log, store, seals }) =>
			alone(detectStage({ config, log, store, seals, blobs, emit, rules, indicators }), createTrustStage({ emit }));
	},
	sign: async ({ config, emit }) => {
		// One process alone makes a key on first use; of several each would make its own, and nobody would know them.
		await access(config.keyFile).catch((cause: unknown) => {
			throw new CliError(
				'file-missing',
				`keyFile: ${config.keyFile}: no such file; \`affidavit keys create signing\` makes one for all sign services`,
				cause,
			);
		});
		const { signer } = await openSigning(config, emit);
		await makeFolder(config.outDir);
		const blobs = patientBlobs(await openFolderBlobs({ folder: config.service.blobsDir }), emit);
		return ({ log, store, seals }) => alone(signStage({ config, log, store, seals, blobs, emit, signer }));
	},
	alert: async ({ config, env, emit }) => {
		const settings = await alertOf(config, env);
		if (settings === null)
			throw new CliError('config', 'webhook: expected webhook.url and its secret: this service posts findings there');
		return () => {
			const stage = alertStage(settings, emit);
			return { ...alone(stage), close: () => stage.close() };
		};
	},
};

const alone = (...stages: Stage[]): ServiceStages => ({
	stages,
	views: () => [],
	start: () => {},
	close: async () => {},
});
