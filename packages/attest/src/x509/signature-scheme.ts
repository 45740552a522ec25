// Signature algorithms of certificates and timestamps: which are taken, and how node:crypto checks them. MD5 and SHA-1 are not.
import type { KeyObject } from 'node:crypto';
import { constants, verify } from 'node:crypto';
import * as pkijs from 'pkijs';
import { isSoundRsa } from '../keys.ts';
import type { SignatureScheme } from './certificate.ts';
import type { DerNode } from './der.ts';

export type HashName = 'sha256' | 'sha384' | 'sha512';

const schemes: ReadonlyMap<string, SignatureScheme> = new Map<string, SignatureScheme>([
	['1.2.840.113549.1.1.11', { kind: 'pkcs1', hash: 'sha256' }],
	['1.2.840.113549.1.1.12', { kind: 'pkcs1', hash: 'sha384' }],
	['1.2.840.113549.1.1.13', { kind: 'pkcs1', hash: 'sha512' }],
	['1.2.840.10045.4.3.2', { kind: 'ecdsa', hash: 'sha256' }],
	['1.2.840.10045.4.3.3', { kind: 'ecdsa', hash: 'sha384' }],
	['1.2.840.10045.4.3.4', { kind: 'ecdsa', hash: 'sha512' }],
]);
const ed25519: SignatureScheme = { kind: 'ed25519' };

export const hashNames: ReadonlyMap<string, HashName> = new Map<string, HashName>([
	['2.16.840.1.101.3.4.2.1', 'sha256'],
	['2.16.840.1.101.3.4.2.2', 'sha384'],
	['2.16.840.1.101.3.4.2.3', 'sha512'],
]);
const hashBytes: Readonly<Record<HashName, number>> = { sha256: 32, sha384: 48, sha512: 64 };

const oidPss = '1.2.840.113549.1.1.10';
const oidMgf1 = '1.2.840.113549.1.1.8';
const oidEd25519 = '1.3.101.112';

/** Of an AlgorithmIdentifier; null: an algorithm that is not taken. */
export function schemeOf(node: DerNode): SignatureScheme | null {
	try {
		return schemeOfAlgorithm(new pkijs.AlgorithmIdentifier({ schema: node }));
	} catch {
		return null;
	}
}

export function schemeOfAlgorithm(algorithm: pkijs.AlgorithmIdentifier): SignatureScheme | null {
	if (algorithm.algorithmId === oidEd25519) return algorithm.algorithmParams === undefined ? ed25519 : null;
	if (algorithm.algorithmId === oidPss) return pssScheme(algorithm);
	return schemes.get(algorithm.algorithmId) ?? null;
}

/** Go's three PSS schemes: one hash for message and mask, a salt as long as it. */
function pssScheme({ algorithmParams }: pkijs.AlgorithmIdentifier): SignatureScheme | null {
	if (algorithmParams === undefined) return null;
	try {
		const params = new pkijs.RSASSAPSSParams({ schema: algorithmParams });
		const hash = hashNames.get(params.hashAlgorithm.algorithmId);
		const { algorithmId, algorithmParams: maskHash } = params.maskGenAlgorithm;
		if (!hash || algorithmId !== oidMgf1 || maskHash === undefined || params.trailerField !== 1) return null;
		const mask = new pkijs.AlgorithmIdentifier({ schema: maskHash });
		if (mask.algorithmId !== params.hashAlgorithm.algorithmId || params.saltLength !== hashBytes[hash]) return null;
		return { kind: 'pss', hash };
	} catch {
		return null;
	}
}

/** As Go: authorities' keys may be shorter than what we take for signing attestations. */
const authorityRsaBitsMin = 1024;

/** Of timestamps that only go-witness takes. */
export interface Sha1Scheme {
	kind: 'pkcs1' | 'ecdsa';
	hash: 'sha1';
}

/** Never throws: what cannot be checked is no signature. */
export function verifyScheme(
	scheme: SignatureScheme | Sha1Scheme,
	key: KeyObject,
	signed: Uint8Array,
	signature: Uint8Array,
): boolean {
	try {
		switch (scheme.kind) {
			case 'ed25519':
				return key.asymmetricKeyType === 'ed25519' && verify(null, signed, key, signature);
			case 'ecdsa':
				return key.asymmetricKeyType === 'ec' && verify(scheme.hash, signed, key, signature);
			case 'pkcs1':
				return isRsa(key) && verify(scheme.hash, signed, key, signature);
			case 'pss': {
				const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: hashBytes[scheme.hash] };
				return isRsa(key) && verify(scheme.hash, signed, { key, ...pss }, signature);
			}
		}
	} catch {
		return false;
	}
}

const isRsa = (key: KeyObject): boolean => key.asymmetricKeyType === 'rsa' && isSoundRsa(key, authorityRsaBitsMin);
