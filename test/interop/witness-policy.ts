// Witness policies and the files that `peerverify` takes.
import type { KeyObject } from 'node:crypto';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { envelopeJson, pae } from '@affidavit/attest/dsse.ts';
import { keyIdOf, publicKeyPem, signBytes } from '@affidavit/attest/keys.ts';
import type { Statement } from '@affidavit/attest/statement.ts';
import { statementBytes } from '@affidavit/attest/statement.ts';
import { commitSubject, productSubject } from '@affidavit/attest/subjects.ts';
import {
	collectionPredicateType,
	commandRunType,
	gitType,
	inTotoPayloadType,
	materialType,
	productType,
	statementTypeV01,
} from '@affidavit/attest/type-uris.ts';

const policyType = 'https://witness.testifysec.com/policy/v0.1';

/** The rule of the talk: no process may have run this program. */
export const maliciousCompilerRule = (sha256: string): string => `package trace_demo
deny[msg] {
  input.processes[_].programdigest.sha256 == "${sha256}"
  msg := "Malicious Compiler"
}
`;

export interface PolicyStep {
	name: string;
	keys: KeyObject[];
	attestations: { type: string; rego?: string }[];
}

/** A step as the acceptance asks for it: material, command-run and product are required. */
export const buildStep = (name: string, key: KeyObject, rego?: string): PolicyStep => ({
	name,
	keys: [key],
	attestations: [
		{ type: materialType },
		rego === undefined ? { type: commandRunType } : { type: commandRunType, rego },
		{ type: productType },
	],
});

export interface PolicyFiles {
	policy: string;
	policyKey: string;
}

/** Writes a policy signed by a new key, and that key. */
export function writePolicy(folder: string, name: string, steps: readonly PolicyStep[]): PolicyFiles {
	const signer = generateKeyPairSync('ed25519');
	const base64 = (text: string): string => Buffer.from(text).toString('base64');
	const keys = new Map(steps.flatMap((s) => s.keys).map((k) => [keyIdOf(k), publicKeyPem(k)]));
	const policy = {
		expires: '2099-01-01T00:00:00Z',
		publickeys: Object.fromEntries([...keys].map(([keyid, pem]) => [keyid, { keyid, key: base64(pem) }])),
		steps: Object.fromEntries(
			steps.map((step) => [
				step.name,
				{
					name: step.name,
					functionaries: step.keys.map((k) => ({ type: 'publickey', publickeyid: keyIdOf(k) })),
					attestations: step.attestations.map(({ type, rego }) => ({
						type,
						regopolicies: rego === undefined ? [] : [{ name: 'rule', module: base64(rego) }],
					})),
				},
			]),
		),
	};
	const payload = Buffer.from(JSON.stringify(policy));
	const files = { policy: join(folder, `${name}.policy.json`), policyKey: join(folder, `${name}.policy.pub`) };
	writeFileSync(files.policy, envelope(policyType, payload, signer.privateKey));
	writeFileSync(files.policyKey, publicKeyPem(signer.publicKey));
	return files;
}

/**
 * A collection of another step, `fetch`, with a product at hand and the same commit. Witness goes from its product over the
 * commit to the collection under test, so that a recorded session can be verified though its product's bytes were not recorded.
 */
export function writeFetchCollection(
	folder: string,
	commit: string,
	product: { path: string; sha256: string },
): FetchFiles {
	const { privateKey, publicKey } = generateKeyPairSync('ed25519');
	const statement: Statement = {
		_type: statementTypeV01,
		subject: [productSubject(product.path, product.sha256), commitSubject(commit)],
		predicateType: collectionPredicateType,
		predicate: {
			name: 'fetch',
			attestations: [
				{ type: gitType, attestation: { commithash: commit } },
				{
					type: productType,
					attestation: { [product.path]: { mime_type: 'text/plain', digest: { sha256: product.sha256 } } },
				},
			],
		},
	};
	const file = join(folder, 'fetch.dsse.json');
	writeFileSync(file, envelope(inTotoPayloadType, statementBytes(statement).bytes, privateKey));
	return { file, step: { name: 'fetch', keys: [publicKey], attestations: [{ type: productType }] } };
}

export interface FetchFiles {
	file: string;
	step: PolicyStep;
}

const envelope = (type: string, payload: Buffer, key: KeyObject): Buffer =>
	envelopeJson(type, payload, { keyid: keyIdOf(key), sig: signBytes(key, pae(type, payload)) });
