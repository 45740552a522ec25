// The whole pipeline on one page: trace → correlate → session → detect → finding, verdict → sign → attestation, and the alerts.
// One process runs all of it (createPipeline), or each service of a fleet its own stages (cli/src/service).
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import type { Matcher } from '@affidavit/correlate/core/matcher.ts';
import { type CorrelateStage, createCorrelateStage, factsList } from '@affidavit/correlate/stage.ts';
import { type AlertStage, type AlertStageOptions, createAlertStage } from '@affidavit/detect/alert/stage.ts';
import type { IndicatorSet } from '@affidavit/detect/core/indicator-set.ts';
import { createManifestResolver, type ResolveManifest } from '@affidavit/detect/manifest/resolver.ts';
import type { RuleSet } from '@affidavit/detect/rules/rule-set.ts';
import { createDetectStage } from '@affidavit/detect/stage.ts';
import type { ResolveKey } from '@affidavit/model/batch-signature.ts';
import type { EnvelopeSigner } from '@affidavit/sign/signing/envelope-signer.ts';
import { createSignStage } from '@affidavit/sign/stage.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Blobs, Log, Store } from '@affidavit/stream/ports.ts';
import type { Seals } from '@affidavit/stream/seal/seal.ts';
import type { Stage } from '@affidavit/stream/stage.ts';
import type { Config } from './config/schema.ts';
import { type FactsPorts, readFacts } from './read-facts.ts';

/** What every stage works on. */
export interface StageDeps {
	config: Config;
	log: Log;
	store: Store;
	blobs: Blobs;
	emit: Emit;
	/** Where the log has other writers. */
	seals?: Seals;
}

const factsPorts = ({ log, store, seals }: StageDeps): FactsPorts => (seals ? { log, store, seals } : { log, store });

export interface CorrelateDeps extends Pick<StageDeps, 'config' | 'emit'> {
	/** Which public key a host may sign with. */
	resolveKey: ResolveKey;
	/** Which public key the ticks for silent hosts are signed with; none in one process alone. */
	resolveTickKey?: (keyId: string) => KeyObject | undefined;
	/** undefined: the shipped ones. */
	matchers: readonly Matcher[] | undefined;
}

export interface DetectDeps extends StageDeps {
	rules: RuleSet;
	indicators: IndicatorSet;
	/** What becomes of the repository's answer on the way to the judge. */
	manifest?: (resolve: ResolveManifest) => ResolveManifest;
}

export interface SignDeps extends StageDeps {
	signer: EnvelopeSigner;
}

export type AlertSettings = Pick<AlertStageOptions, 'url' | 'secret' | 'leads' | 'allowPrivate'>;

/** trace → session. */
export const correlateStage = ({ config, emit, ...deps }: CorrelateDeps): CorrelateStage =>
	createCorrelateStage({
		resolveKey: deps.resolveKey,
		emit,
		step: config.step,
		limits: {
			skewUs: config.skewMsMax * 1000,
			graceUs: config.graceMs * 1000,
			silentUs: config.silentMs * 1000,
			silentCloseUs: config.silentCloseMs * 1000,
			sessionUs: config.sessionMaxMs * 1000,
			facts: config.limits.sessionFactsMax,
			sessions: config.limits.sessionsMax,
		},
		factsRetentionMs: config.factsRetentionMs,
		...(deps.resolveTickKey ? { resolveTickKey: deps.resolveTickKey } : {}),
		...(deps.matchers ? { matchers: deps.matchers } : {}),
	});

/** session → finding, verdict. */
export function detectStage(deps: DetectDeps): Stage {
	const { config, blobs, emit } = deps;
	const repositories = createManifestResolver({
		repositories: config.repositories,
		cacheDir: join(config.dataDir, 'repositories'),
		limits: { blobBytesMax: config.limits.repositoryBytesMax, fetchMsMax: config.limits.repositoryMs },
		emit,
	});
	return createDetectStage({
		rules: deps.rules,
		indicators: () => deps.indicators,
		resolveManifest: deps.manifest === undefined ? repositories : deps.manifest(repositories),
		blobs,
		readFacts: (session, hint, expected) => readFacts(factsPorts(deps), session, factsList(session), expected, hint),
		emit,
	});
}

/** verdict → attestation. */
export function signStage(deps: SignDeps): Stage {
	const { config, blobs, emit, signer } = deps;
	return createSignStage({
		readFacts: (verdict) => {
			const { session, factsList: list, factBatches: batches, factsHead: head, factsPartition, factsOffset } = verdict;
			const isTold = factsPartition >= 0 && factsOffset >= 0;
			const hint = isTold ? { partition: factsPartition, fromOffset: factsOffset } : undefined;
			return readFacts(factsPorts(deps), session, list, { batches, head }, hint);
		},
		blobs,
		signer,
		outDir: config.outDir,
		emit,
	});
}

/** finding → the SIEM. */
export const alertStage = (settings: AlertSettings, emit: Emit): AlertStage => createAlertStage({ ...settings, emit });

/** `alert` null: no webhook is configured. */
export type TopologyDeps = CorrelateDeps & DetectDeps & SignDeps & { alert: AlertSettings | null };

export interface Pipeline {
	stages: Stage[];
	/** Waits for webhook deliveries under way, at most `waitMsMax`; how many are undelivered then. */
	settle(waitMsMax: number, signal?: AbortSignal): Promise<number>;
	/** Ends what goes on beside the stages (webhook deliveries); what is undelivered stays in the store. */
	close(): Promise<void>;
}

export function createPipeline(deps: TopologyDeps): Pipeline {
	const stages = [correlateStage(deps), detectStage(deps), signStage(deps)];
	if (deps.alert === null) return { stages, settle: async () => 0, close: async () => {} };
	const alert = alertStage(deps.alert, deps.emit);
	return {
		stages: [...stages, alert],
		settle: (waitMsMax, signal) => alert.settle(waitMsMax, signal),
		close: () => alert.close(),
	};
}
