// The whole pipeline on one page: trace → correlate → session → detect → finding, verdict → sign → attestation, and the alerts.
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import type { Matcher } from '@affidavit/correlate/core/matcher.ts';
import { createCorrelateStage, factsList } from '@affidavit/correlate/stage.ts';
import { type AlertStageOptions, createAlertStage } from '@affidavit/detect/alert/stage.ts';
import type { IndicatorSet } from '@affidavit/detect/core/indicator-set.ts';
import { createManifestResolver, type ResolveManifest } from '@affidavit/detect/manifest/resolver.ts';
import type { RuleSet } from '@affidavit/detect/rules/rule-set.ts';
import { createDetectStage } from '@affidavit/detect/stage.ts';
import type { EnvelopeSigner } from '@affidavit/sign/signing/envelope-signer.ts';
import { createSignStage } from '@affidavit/sign/stage.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Blobs, Log, Store } from '@affidavit/stream/ports.ts';
import type { Stage } from '@affidavit/stream/stage.ts';
import type { Config } from './config/schema.ts';
import { readFacts } from './read-facts.ts';

export interface TopologyDeps {
	config: Config;
	log: Log;
	store: Store;
	blobs: Blobs;
	emit: Emit;
	/** Which public key a host may sign with. */
	resolveKey: (host: string, keyId: string) => KeyObject | undefined;
	/** undefined: the shipped ones. */
	matchers: readonly Matcher[] | undefined;
	rules: RuleSet;
	indicators: IndicatorSet;
	signer: EnvelopeSigner;
	/** null: no webhook is configured. */
	alert: Pick<AlertStageOptions, 'url' | 'secret' | 'leads' | 'allowPrivate'> | null;
	/** What becomes of the repository's answer on the way to the judge. */
	manifest?: (resolve: ResolveManifest) => ResolveManifest;
}

export interface Pipeline {
	stages: Stage[];
	/** Waits for webhook deliveries under way, at most `waitMsMax`; how many are undelivered then. */
	settle(waitMsMax: number, signal?: AbortSignal): Promise<number>;
	/** Ends what goes on beside the stages (webhook deliveries); what is undelivered stays in the store. */
	close(): Promise<void>;
}

export function createPipeline(deps: TopologyDeps): Pipeline {
	const { config, log, store, blobs, emit } = deps;
	const correlate = createCorrelateStage({
		resolveKey: deps.resolveKey,
		emit,
		step: config.step,
		limits: {
			skewUs: config.skewMsMax * 1000,
			graceUs: config.graceMs * 1000,
			sessionUs: config.sessionMaxMs * 1000,
			facts: config.limits.sessionFactsMax,
			sessions: config.limits.sessionsMax,
		},
		...(deps.matchers ? { matchers: deps.matchers } : {}),
	});
	const repositories = createManifestResolver({
		repositories: config.repositories,
		cacheDir: join(config.dataDir, 'repositories'),
		limits: { blobBytesMax: config.limits.repositoryBytesMax, fetchMsMax: config.limits.repositoryMs },
		emit,
	});
	const detect = createDetectStage({
		rules: deps.rules,
		indicators: () => deps.indicators,
		resolveManifest: deps.manifest === undefined ? repositories : deps.manifest(repositories),
		blobs,
		readFacts: (session, _partition, expected) => readFacts({ log, store }, session, factsList(session), expected),
		emit,
	});
	const sign = createSignStage({
		readFacts: ({ session, factsList: list, factBatches: batches, factsHead: head }) =>
			readFacts({ log, store }, session, list, { batches, head }),
		blobs,
		signer: deps.signer,
		outDir: config.outDir,
		emit,
	});
	if (deps.alert === null) return { stages: [correlate, detect, sign], settle: async () => 0, close: async () => {} };
	const alert = createAlertStage({ ...deps.alert, emit });
	return {
		stages: [correlate, detect, sign, alert],
		settle: (waitMsMax, signal) => alert.settle(waitMsMax, signal),
		close: () => alert.close(),
	};
}
