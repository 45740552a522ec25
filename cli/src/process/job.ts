// A job is one run over recorded files: the same inputs and settings are the same job, so that a killed run goes on where it was.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { canonicalJson, sha256Hex } from '@affidavit/model/digests.ts';
import type { Config } from '../config/schema.ts';
import type { Settings } from '../settings.ts';

export interface JobInputs {
	files: readonly string[];
	metrics: readonly string[];
	/** Everything else that decides what comes out. */
	settings: Record<string, unknown>;
}

/** sha256 (hex) over the contents of the files and the settings. Rejects when a file cannot be read. */
export async function jobId({ files, metrics, settings }: JobInputs): Promise<string> {
	const digests: string[] = [];
	for (const file of files) digests.push(await fileSha256(file));
	const scrapes: string[] = [];
	for (const file of metrics) scrapes.push(await fileSha256(file));
	return sha256Hex(canonicalJson({ files: digests, metrics: scrapes, settings }));
}

/** All of the configuration that decides what comes out. */
export const jobSettings = (config: Config, settings: Settings): Record<string, unknown> => ({
	rules: settings.rules.digest,
	indicators: settings.indicators.digest,
	repositories: config.repositories,
	matchers: settings.matchers ?? null,
	step: config.step,
	skewMsMax: config.skewMsMax,
	graceMs: config.graceMs,
	sessionMaxMs: config.sessionMaxMs,
	limits: config.limits,
	outDir: config.outDir,
	key: settings.signer.verifier.keyId,
});

async function fileSha256(path: string): Promise<string> {
	const hash = createHash('sha256');
	for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
	return hash.digest('hex');
}
