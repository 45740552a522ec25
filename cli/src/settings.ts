// What `process`, `up` and the services load before they start: keys, rules, indicators, matchers, the webhook's secret.
import { createPublicKey } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Matcher } from '@affidavit/correlate/core/matcher.ts';
import { loadSecret } from '@affidavit/detect/alert/secret.ts';
import { createIndicatorSet, type IndicatorSet } from '@affidavit/detect/core/indicator-set.ts';
import { readIndicatorFile } from '@affidavit/detect/indicator/indicator-file.ts';
import { loadRuleSet } from '@affidavit/detect/rules/load.ts';
import type { RuleSet } from '@affidavit/detect/rules/rule-set.ts';
import type { HostKey, ResolveKey } from '@affidavit/model/batch-signature.ts';
import type { Indicator } from '@affidavit/model/generated/indicator.ts';
import { SignError } from '@affidavit/sign/errors.ts';
import { createKeySigner, type EnvelopeSigner } from '@affidavit/sign/signing/envelope-signer.ts';
import { openSigningKey } from '@affidavit/sign/signing/signing-key.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import { readMatchers } from './config/matchers.ts';
import type { Config } from './config/schema.ts';
import { CliError } from './errors.ts';
import { makeFolder } from './files.ts';
import { loadOrCreateKey } from './keys/store.ts';
import type { AlertSettings } from './topology.ts';

export interface Settings {
	rules: RuleSet;
	indicators: IndicatorSet;
	matchers: readonly Matcher[] | undefined;
	signer: EnvelopeSigner;
	/** PEM file of the public key that verifies what `signer` signs. */
	publicKeyFile: string;
	hostKey: HostKey;
	resolveKey: ResolveKey;
	alert: AlertSettings | null;
}

/** Rejects with CliError that names the file and what was expected. */
export async function loadSettings(
	config: Config,
	env: Readonly<Record<string, string | undefined>>,
	emit: Emit,
): Promise<Settings> {
	const keys = join(config.dataDir, 'keys');
	const signing = await openSigning(config, emit);
	const host = await loadOrCreateKey(keys, 'host', 'ed25519');
	const hostPublic = createPublicKey(host.publicKeyPem);
	return {
		rules: rulesOf(config),
		indicators: await indicatorsOf(config),
		matchers: await matchersOf(config),
		...signing,
		hostKey: { privateKey: host.privateKey, keyId: host.keyId },
		// One machine: every batch is this agent's own. A fleet resolves by host (hosts topic).
		resolveKey: (_host, keyId) => (keyId === host.keyId ? hostPublic : undefined),
		alert: await alertOf(config, env),
	};
}

export type Signing = Pick<Settings, 'signer' | 'publicKeyFile'>;

/** The data folder's own key, or the one that `--key` or `keyFile` names; either is made when absent. */
export async function openSigning({ keyFile, dataDir }: Config, emit: Emit): Promise<Signing> {
	const keys = join(dataDir, 'keys');
	if (keyFile === join(keys, 'signing.pem')) {
		const key = await loadOrCreateKey(keys, 'signing', 'ed25519');
		if (key.created) emit(madeKey(key.privateKeyPath, key.publicKeyPath));
		return { signer: createKeySigner(key.privateKey, key.keyId), publicKeyFile: key.publicKeyPath };
	}
	try {
		const { key, keyId, publicPem } = openSigningKey(keyFile, { create: true, emit });
		// A key that comes from elsewhere may lie where nothing can be written: its public half goes into the data folder.
		const publicKeyFile = join(keys, `${keyId.slice(0, 16)}.pub.pem`);
		await makeFolder(keys, 0o700);
		await writeFile(publicKeyFile, publicPem, { mode: 0o644 });
		return { signer: createKeySigner(key, keyId), publicKeyFile };
	} catch (cause) {
		if (cause instanceof SignError) throw new CliError('key-unreadable', cause.message, cause);
		throw cause;
	}
}

const madeKey = (file: string, publicKey: string) => ({
	name: 'signing_key_created',
	stage: 'sign',
	reason: 'first-use',
	intentional: false,
	message: `${file}: made a new signing key that nothing but this file protects: for local work; keep it safe, or give --key`,
	detail: { file, publicKey },
});

/** The shipped ones, and those of the configured folder. */
export function rulesOf(config: Config): RuleSet {
	try {
		const folders = config.rulesDir === null ? [] : [pathToFileURL(`${config.rulesDir}/`)];
		return loadRuleSet({ folders, options: { strictSources: config.strictSources } });
	} catch (cause) {
		throw new CliError('config', `rulesDir: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
	}
}

export const matchersOf = async ({ matchers }: Config): Promise<readonly Matcher[] | undefined> =>
	matchers === null ? undefined : readMatchers(matchers);

export async function indicatorsOf({ indicators: files }: Config): Promise<IndicatorSet> {
	const all: Indicator[] = [];
	for (const file of files) {
		const result = await readIndicatorFile(file);
		if (result.kind === 'invalid') throw new CliError('usage', `indicators: ${result.errors.join('; ')}`);
		all.push(...result.indicators);
	}
	return createIndicatorSet(all);
}

/** null: no webhook is configured. */
export async function alertOf(
	{ webhook }: Config,
	env: Readonly<Record<string, string | undefined>>,
): Promise<AlertSettings | null> {
	if (webhook === null) return null;
	const result = await loadSecret({ file: webhook.secretFile, env: webhook.secretEnv }, env);
	if (result.kind === 'invalid') throw new CliError('config', `webhook secret: ${result.message}`);
	return { url: webhook.url, secret: result.secret, leads: webhook.leads, allowPrivate: webhook.allowPrivate };
}
