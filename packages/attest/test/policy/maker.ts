// Policies, collections and Rego answers for the tests of the policy engine, each part replaceable.
import type { KeyObject } from 'node:crypto';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { envelopeJson, pae } from '../../src/dsse.ts';
import { publicKeyPem, signBytes } from '../../src/keys.ts';
import { policyPayloadType } from '../../src/policy/policy.ts';
import type { PackageAnswer, RegoAnswer, RegoEngine, RegoRequest } from '../../src/policy/rego-engine.ts';
import type { PolicyMode, PolicyResult } from '../../src/policy/result.ts';
import { verifyPolicy } from '../../src/policy/verify-policy.ts';
import {
	collectionPredicateType,
	commandRunType,
	gitType,
	inTotoPayloadType,
	materialType,
	productType,
	statementTypeV01,
} from '../../src/type-uris.ts';
import type { NamedEnvelope } from '../../src/verify-artifact.ts';
import type { TestKey } from '../signing.ts';
import { testKey } from '../signing.ts';

export const nowMs = Date.UTC(2026, 0, 1);
export const artifact = sha256Hex('app');

export interface TestAttestation {
	type: string;
	attestation: unknown;
}

const sets = (files: Record<string, string>): Record<string, { sha256: string }> => {
	const out: Record<string, { sha256: string }> = Object.create(null);
	for (const [path, digest] of Object.entries(files)) out[path] = { sha256: digest };
	return out;
};

export const material = (files: Record<string, string>): TestAttestation => ({
	type: materialType,
	attestation: sets(files),
});

export const product = (files: Record<string, string> = { app: artifact }): TestAttestation => {
	const attestation: Record<string, unknown> = Object.create(null);
	for (const [path, digest] of Object.entries(sets(files))) attestation[path] = { mime_type: 'text/plain', digest };
	return { type: productType, attestation };
};

export const commandRun = (more: Record<string, unknown> = {}): TestAttestation => ({
	type: commandRunType,
	attestation: { cmd: ['make'], exitcode: 0, processes: [{ processid: 1, parentpid: 0 }], ...more },
});

export const git = (commithash: string): TestAttestation => ({ type: gitType, attestation: { commithash } });

export function subjectsOf(
	attestations: readonly TestAttestation[],
): { name: string; digest: Record<string, string> }[] {
	return attestations.flatMap(({ type, attestation }) => {
		if (type === productType)
			return Object.entries(attestation as Record<string, { digest: Record<string, string> }>).map(
				([path, { digest }]) => ({
					name: `${type}/file:${path}`,
					digest,
				}),
			);
		if (type !== gitType) return [];
		const { commithash } = attestation as { commithash: string };
		return [{ name: `${type}/commithash:${commithash}`, digest: { sha1: commithash } }];
	});
}

export interface CollectionOptions {
	name?: string;
	subject?: unknown;
	by?: TestKey;
	statement?: Record<string, unknown>;
	predicate?: Record<string, unknown>;
	payloadType?: string;
	file?: string;
}

export function statementText(attestations: readonly TestAttestation[], options: CollectionOptions = {}): string {
	return JSON.stringify({
		_type: statementTypeV01,
		subject: options.subject ?? subjectsOf(attestations),
		predicateType: collectionPredicateType,
		predicate: { name: options.name ?? 'build', attestations, ...options.predicate },
		...options.statement,
	});
}

export const builder = testKey();
export const owner = testKey();

export function signed(
	text: string | Buffer,
	payloadType: string,
	by: { privateKey: KeyObject; keyId: string },
): Buffer {
	const payload = Buffer.from(text);
	return envelopeJson(payloadType, payload, {
		keyid: by.keyId,
		sig: signBytes(by.privateKey, pae(payloadType, payload)),
	});
}

export const collection = (
	attestations: readonly TestAttestation[],
	options: CollectionOptions = {},
): NamedEnvelope => ({
	name: options.file ?? `${options.name ?? 'build'}.json`,
	bytes: signed(statementText(attestations, options), options.payloadType ?? inTotoPayloadType, options.by ?? builder),
});

export const base64 = (text: string): string => Buffer.from(text).toString('base64');

export const step = (name = 'build', more: Record<string, unknown> = {}): Record<string, unknown> => ({
	name,
	functionaries: [{ type: 'publickey', publickeyid: builder.keyId }],
	attestations: [{ type: commandRunType, regopolicies: [] }, { type: productType }],
	...more,
});

export const policyKey = (key: TestKey): { keyid: string; key: string } => ({
	keyid: key.keyId,
	key: base64(publicKeyPem(key.key)),
});

export function policyJson(
	steps: readonly Record<string, unknown>[] = [step()],
	more: Record<string, unknown> = {},
): string {
	return JSON.stringify({
		expires: '2030-01-01T00:00:00Z',
		publickeys: { [builder.keyId]: policyKey(builder) },
		steps: Object.fromEntries(steps.map((one) => [one['name'], one])),
		...more,
	});
}

export const policyFile = (
	text: string | Buffer = policyJson(),
	by: TestKey = owner,
	type = policyPayloadType,
): NamedEnvelope => ({
	name: 'policy.json',
	bytes: signed(text, type, by),
});

/** One package's answer, of a module `rule` unless said otherwise. */
export const answerOf = (deny: PackageAnswer['deny'], more: Partial<PackageAnswer> = {}): PackageAnswer => ({
	package: 'data.p',
	modules: ['rule'],
	hasDeny: true,
	deny,
	missing: [],
	builtinFailures: [],
	...more,
});

/** An engine of the tests alone: what it is asked is kept, what it answers is given. */
export function fakeEngine(
	answer: RegoAnswer | ((request: RegoRequest) => RegoAnswer) = { kind: 'answer', packages: [] },
): RegoEngine & { asked: RegoRequest[] } {
	const asked: RegoRequest[] = [];
	return {
		name: 'fake',
		tellsMissing: true,
		asked,
		async evaluate(request) {
			asked.push(request);
			return typeof answer === 'function' ? answer(request) : answer;
		},
	};
}

export interface Given {
	policy?: NamedEnvelope;
	attestations?: readonly NamedEnvelope[];
	subjects?: readonly string[];
	rego?: RegoEngine;
	at?: number;
}

export const verify = (given: Given, mode: PolicyMode = 'strict'): Promise<PolicyResult> =>
	verifyPolicy({
		policy: given.policy ?? policyFile(),
		policyKeys: [{ key: owner.key, keyId: owner.keyId }],
		subjects: given.subjects ?? [artifact],
		attestations: given.attestations ?? [collection([commandRun(), product()])],
		mode,
		nowMs: given.at ?? nowMs,
		nowNs: BigInt(given.at ?? nowMs) * 1_000_000n,
		rego: given.rego ?? fakeEngine(),
	});
