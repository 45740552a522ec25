// Makes what a case is given: envelopes and policies by their usual shape, with any part of them replaced.
import { pae } from '@affidavit/attest/dsse.ts';
import type { Statement } from '@affidavit/attest/statement.ts';
import {
	collectionPredicateType,
	commandRunType,
	inTotoPayloadType,
	productType,
	statementTypeV01,
} from '@affidavit/attest/type-uris.ts';
import type { NamedEnvelope } from '@affidavit/attest/verify-artifact.ts';
import type { Attestation } from './attestors.ts';
import { commandRun, material, product, subjectsOf } from './attestors.ts';
import type { Inputs } from './case.ts';
import type { KeyKind, MatrixKey, SignatureScheme } from './keys.ts';
import { matrixKey, signWith } from './keys.ts';

export const policyPayloadType = 'https://witness.testifysec.com/policy/v0.1';

const base64 = (bytes: string | Uint8Array): string => Buffer.from(bytes).toString('base64');

/** One signature as Witness's envelope writes it: everything but `sig` as given, so that a case can lie. */
export interface SignatureFields {
	keyid: string;
	sig: string;
	certificate?: string;
	intermediates?: string[];
	timestamps?: { type: string; data: string }[];
}

export interface EnvelopeFields {
	payload: string;
	payloadType: string;
	signatures: SignatureFields[];
	[other: string]: unknown;
}

/** Who signs, and what the signature carries beside its bytes. */
export interface Signer {
	key: MatrixKey;
	scheme?: SignatureScheme;
	keyid?: string;
	/** PEM texts. */
	certificate?: string;
	intermediates?: readonly string[];
	/** DER tokens over the signature's bytes. */
	timestamps?: (signature: Buffer) => Promise<readonly Uint8Array[]>;
}

export interface CollectionSpec {
	name?: string;
	attestations?: readonly Attestation[];
	/** In place of the subjects of the attestors. */
	subjects?: Statement['subject'];
	signers?: readonly Signer[];
	statement?: (statement: Record<string, unknown>) => unknown;
	/** The payload's text before it is signed. */
	payload?: (text: string) => string | Buffer;
	payloadType?: string;
	/** The envelope after it was signed. */
	envelope?: (envelope: EnvelopeFields) => unknown;
	/** The file's text. */
	text?: (text: string) => string | Buffer;
	file?: string;
}

export interface RegoModule {
	name: string;
	module: string;
}

export interface StepSpec {
	name?: string;
	functionaries?: readonly unknown[];
	/** Types that are required; command-run and product by default. */
	types?: readonly string[];
	/** Rego on command-run, or on another type. */
	rego?: readonly (string | RegoModule)[];
	regoOn?: string;
	artifactsFrom?: readonly string[];
}

export interface PolicySpec {
	steps?: readonly StepSpec[];
	keys?: readonly MatrixKey[];
	roots?: Record<string, Root>;
	timestampauthorities?: Record<string, Root>;
	expires?: string;
	policy?: (policy: Record<string, unknown>) => unknown;
	payload?: (text: string) => string | Buffer;
	payloadType?: string;
	signers?: readonly Signer[];
	envelope?: (envelope: EnvelopeFields) => unknown;
	text?: (text: string) => string | Buffer;
}

export interface Root {
	/** base64 of PEM. */
	certificate: string;
	intermediates?: string[];
}

export interface Scenario extends PolicySpec {
	collections?: readonly CollectionSpec[];
	/** Files beside the collections. */
	files?: readonly NamedEnvelope[];
	policyKey?: string;
	artifact?: string;
}

export interface Maker {
	/** The time at which the case is judged, ms. */
	nowMs: number;
	key(kind: KeyKind, label: string): MatrixKey;
	/** The key that signs collections when nothing else is said, and is the functionary of every step. */
	builder: MatrixKey;
	/** The key that signs the policy. */
	owner: MatrixKey;
	collection(spec?: CollectionSpec): Promise<NamedEnvelope>;
	policy(spec?: PolicySpec): Promise<Uint8Array>;
	/** A policy of the step `build`, its collection and the artifact `app`, with any part of it replaced. */
	given(scenario?: Scenario): Promise<Inputs>;
}

export const publicKeyFunctionary = (key: { keyId: string }): unknown => ({
	type: 'publickey',
	publickeyid: key.keyId,
});

export const policyKeyOf = (key: MatrixKey): { keyid: string; key: string } => ({
	keyid: key.keyId,
	key: base64(key.pem),
});

/** The attestors of an honest build: it read main.c, ran a compiler, and wrote app. */
export const honest = (): Attestation[] => [material({ 'main.c': 'main' }), commandRun(), product({ app: 'app' })];

export function createMaker(seed: string, nowMs: number): Maker {
	const key = (kind: KeyKind, label: string): MatrixKey => matrixKey(kind, `${seed}:${label}`);
	const builder = key('ed25519', 'builder');
	const owner = key('ed25519', 'owner');

	const envelopeText = async (
		payload: Buffer,
		payloadType: string,
		signers: readonly Signer[],
		change: (envelope: EnvelopeFields) => unknown = (e) => e,
	): Promise<string> => {
		const signed = pae(payloadType, payload);
		const signatures = await Promise.all(signers.map((signer) => signature(signed, signer)));
		return JSON.stringify(change({ payload: payload.toString('base64'), payloadType, signatures }));
	};

	const collection = async (spec: CollectionSpec = {}): Promise<NamedEnvelope> => {
		const attestations = spec.attestations ?? honest();
		const name = spec.name ?? 'build';
		const statement = {
			_type: statementTypeV01,
			subject: spec.subjects ?? subjectsOf(attestations),
			predicateType: collectionPredicateType,
			predicate: { name, attestations },
		};
		const text = JSON.stringify(spec.statement?.(statement) ?? statement);
		const payload = Buffer.from(spec.payload?.(text) ?? text);
		const signers = spec.signers ?? [{ key: builder }];
		const file = await envelopeText(payload, spec.payloadType ?? inTotoPayloadType, signers, spec.envelope);
		return { name: spec.file ?? `${name}.dsse.json`, bytes: Buffer.from(spec.text?.(file) ?? file) };
	};

	const policy = async (spec: PolicySpec = {}): Promise<Uint8Array> => {
		const steps = (spec.steps ?? [{}]).map((s) => stepOf(s, builder));
		const value = {
			expires: spec.expires ?? '2099-01-01T00:00:00Z',
			...(spec.roots && { roots: spec.roots }),
			...(spec.timestampauthorities && { timestampauthorities: spec.timestampauthorities }),
			publickeys: Object.fromEntries((spec.keys ?? [builder]).map((k) => [k.keyId, policyKeyOf(k)])),
			steps: Object.fromEntries(steps.map((s) => [s.name, s])),
		};
		const text = JSON.stringify(spec.policy?.(value) ?? value);
		const payload = Buffer.from(spec.payload?.(text) ?? text);
		const signers = spec.signers ?? [{ key: owner }];
		const file = await envelopeText(payload, spec.payloadType ?? policyPayloadType, signers, spec.envelope);
		return Buffer.from(spec.text?.(file) ?? file);
	};

	const given = async (scenario: Scenario = {}): Promise<Inputs> => {
		const collections = await Promise.all((scenario.collections ?? [{}]).map(collection));
		return {
			policy: await policy(scenario),
			policyKey: scenario.policyKey ?? owner.pem,
			attestations: [...collections, ...(scenario.files ?? [])],
			artifact: Buffer.from(scenario.artifact ?? 'app'),
		};
	};
	return { nowMs, key, builder, owner, collection, policy, given };
}

async function signature(signed: Uint8Array, signer: Signer): Promise<SignatureFields> {
	const sig = signWith(signer.key.privateKey, signed, signer.scheme);
	const tokens = await signer.timestamps?.(sig);
	return {
		keyid: signer.keyid ?? signer.key.keyId,
		sig: sig.toString('base64'),
		...(signer.certificate !== undefined && { certificate: base64(signer.certificate) }),
		...(signer.intermediates && { intermediates: signer.intermediates.map(base64) }),
		...(tokens && { timestamps: tokens.map((data) => ({ type: 'tsp', data: base64(data) })) }),
	};
}

function stepOf(spec: StepSpec, builder: MatrixKey): { name: string } {
	const regoOn = spec.regoOn ?? commandRunType;
	const modules = (spec.rego ?? []).map((r, i) => (typeof r === 'string' ? { name: `rule${i}`, module: r } : r));
	return {
		name: spec.name ?? 'build',
		functionaries: spec.functionaries ?? [publicKeyFunctionary(builder)],
		attestations: (spec.types ?? [commandRunType, productType]).map((type) => ({
			type,
			regopolicies: type === regoOn ? modules.map((m) => ({ name: m.name, module: base64(m.module) })) : [],
		})),
		...(spec.artifactsFrom && { artifactsFrom: spec.artifactsFrom }),
	} as { name: string };
}
