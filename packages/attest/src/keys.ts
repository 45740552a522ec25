// Keys from PEM text, and raw signatures as DSSE signers in the field make them (go-witness, cosign).
import type { KeyObject } from 'node:crypto';
import { constants, createPrivateKey, createPublicKey, sign, verify, X509Certificate } from 'node:crypto';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { firstPemBlock } from './x509/pem.ts';

export type KeyResult = { kind: 'key'; key: KeyObject; keyId: string } | { kind: 'invalid'; reason: string };

/** Padding of an RSA signature that verified; 'none' for other keys. */
export type Padding = 'pss' | 'pkcs1' | 'none';

/** Key files are a few hundred bytes; more is some other file. */
export const keyFileBytesMax = 64 * 1024;

const privateExpected =
	'expected an ed25519 or ECDSA P-256 private key, unencrypted, PKCS #8 PEM (-----BEGIN PRIVATE KEY-----)';
const publicExpected =
	'expected an ed25519, ECDSA P-256, P-384 or P-521, or RSA (2048 bits or more) public key, SPKI PEM (-----BEGIN PUBLIC KEY-----)';

/** `name` is what the message calls the input: the file. */
export function parsePrivateKey(pem: string, name: string): KeyResult {
	if (!pem.includes('-----BEGIN PRIVATE KEY-----')) return { kind: 'invalid', reason: `${name}: ${privateExpected}` };
	try {
		const key = createPrivateKey({ key: pem, format: 'pem' });
		if (key.asymmetricKeyType === 'ed25519' || curveOf(key) === 'prime256v1')
			return { kind: 'key', key, keyId: keyIdOf(key) };
	} catch {
		return { kind: 'invalid', reason: `${name}: ${privateExpected}; this one cannot be read` };
	}
	return { kind: 'invalid', reason: `${name}: ${privateExpected}; this one is of another kind` };
}

/** `name` is what the message calls the input: the file. A private key is refused, so that nobody gets used to handing it out. */
export function parsePublicKey(pem: string, name: string): KeyResult {
	if (!pem.includes('-----BEGIN PUBLIC KEY-----')) return { kind: 'invalid', reason: `${name}: ${publicExpected}` };
	try {
		const key = createPublicKey({ key: pem, format: 'pem' });
		if (isVerifierKey(key) || isPssOnly(key)) return { kind: 'key', key, keyId: keyIdOf(key) };
	} catch {
		return { kind: 'invalid', reason: `${name}: ${publicExpected}; this one cannot be read` };
	}
	return { kind: 'invalid', reason: `${name}: ${publicExpected}; this one is of another kind` };
}

/** A public key of a policy. A certificate is loaded in its place, but no signature verifies under it: the real engine gives it no roots. */
export type VerifierKeyResult = KeyResult | { kind: 'certificate'; keyId: string };

/**
 * Reads a policy's public key as go-witness does: the first PEM block, SPKI, PKCS #1 or a certificate, whatever its label says.
 * `weak`: also those that only it takes.
 */
export function parseVerifierKey(pem: Uint8Array, name: string, weak = false): VerifierKeyResult {
	if (pem.length > keyFileBytesMax)
		return { kind: 'invalid', reason: `${name}: expected a key of at most ${keyFileBytesMax} bytes` };
	const block = firstPemBlock(pem);
	if (!block) return { kind: 'invalid', reason: `${name}: expected a public key in PEM` };
	// go-witness would take a private key and use its public half; a policy that publishes one is broken.
	if (isPrivateKey(block.der)) return { kind: 'invalid', reason: `${name}: a private key in place of a public key` };
	const key = publicKeyFromDer(block.der);
	if (!key) {
		const ofCertificate = certificateKey(block.der);
		if (ofCertificate) return { kind: 'certificate', keyId: keyIdOf(ofCertificate) };
		return { kind: 'invalid', reason: `${name}: expected a public key or a certificate; this one cannot be read` };
	}
	if (!isVerifierKey(key) && !(weak && isWeakKey(key)))
		return { kind: 'invalid', reason: `${name}: ${verifierExpected}` };
	return { kind: 'key', key, keyId: keyIdOf(key) };
}

const verifierExpected =
	'expected an ed25519, ECDSA P-256, P-384 or P-521, or RSA (2048 bits or more) key; this one is of another kind';

function isPrivateKey(der: Buffer): boolean {
	for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const)
		try {
			createPrivateKey({ key: der, format: 'der', type });
			return true;
		} catch {
			// Not of this form.
		}
	return false;
}

/** SPKI or PKCS #1; null for anything else. */
export function publicKeyFromDer(der: Buffer): KeyObject | null {
	for (const type of ['spki', 'pkcs1'] as const)
		try {
			return createPublicKey({ key: der, format: 'der', type });
		} catch {
			// Not of this form.
		}
	return null;
}

function certificateKey(der: Buffer): KeyObject | null {
	try {
		return new X509Certificate(der).publicKey;
	} catch {
		return null;
	}
}

const curves: ReadonlySet<string | undefined> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/** Bits of RSA moduli: fewer are broken, more only burn time. */
const rsaBitsMin = 2048;
export const rsaBitsMax = 8192;

function isVerifierKey(key: KeyObject): boolean {
	switch (key.asymmetricKeyType) {
		case 'ed25519':
			return true;
		case 'ec':
			return curves.has(curveOf(key));
		case 'rsa':
			return isSoundRsa(key, rsaBitsMin);
		default:
			return false;
	}
}

/** Go takes these too: P-224, and RSA from 1024 bits. */
const weakRsaBitsMin = 1024;
const isWeakKey = (key: KeyObject): boolean =>
	curveOf(key) === 'secp224r1' || (key.asymmetricKeyType === 'rsa' && isSoundRsa(key, weakRsaBitsMin));

/** A key whose SPKI says RSASSA-PSS: OpenSSL's and ours, none that Go reads. */
const isPssOnly = (key: KeyObject): boolean => key.asymmetricKeyType === 'rsa-pss' && isSoundRsa(key, rsaBitsMin);

/** With an exponent of 1 anybody could sign. */
export function isSoundRsa(key: KeyObject, bitsMin: number): boolean {
	const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
	return modulusLength >= bitsMin && modulusLength <= rsaBitsMax && publicExponent >= 3n && publicExponent < 1n << 31n;
}

const curveOf = (key: KeyObject): string | undefined =>
	key.asymmetricKeyType === 'ec' ? key.asymmetricKeyDetails?.namedCurve : undefined;

/** SPKI PEM of the public half: 64 columns, trailing newline. */
export function publicKeyPem(key: KeyObject): string {
	const publicKey = key.type === 'private' ? createPublicKey(key) : key;
	return publicKey.export({ type: 'spki', format: 'pem' }).toString();
}

/** Witness's key id: hex sha256 of the SPKI PEM text. */
export const keyIdOf = (key: KeyObject): string => sha256Hex(publicKeyPem(key));

// go-witness and cosign: ed25519 over the bytes; ECDSA with SHA-256 whatever the curve (cosign: SHA-384 on P-384), ASN.1 DER.
export const signBytes = (key: KeyObject, bytes: Uint8Array): Buffer =>
	sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', bytes, key);

/** True when `signature` is one of `bytes` by `key`. Never throws: what cannot be checked is no signature. */
export function verifyBytes(key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
	try {
		switch (key.asymmetricKeyType) {
			case 'ed25519':
				return verify(null, bytes, key, signature);
			case 'ec':
				return (
					verify('sha256', bytes, key, signature) ||
					(curveOf(key) === 'secp384r1' && verify('sha384', bytes, key, signature))
				);
			case 'rsa':
			case 'rsa-pss':
				return verify('sha256', bytes, { key, ...pss }, signature);
			default:
				return false;
		}
	} catch {
		return false;
	}
}

const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO };

/** Time of one check by the key, hashing aside, in checks of P-256 (0.1 ms; measured on OpenSSL 3): P-521 is no faster than 3 ms. */
export function checkCost(key: KeyObject): number {
	switch (curveOf(key)) {
		case 'secp224r1':
			return 4;
		case 'secp384r1':
			return 9;
		case 'secp521r1':
			return 32;
	}
	// Two paddings.
	const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
	return Math.max(1, Math.ceil((modulusLength / rsaBitsMin) ** 2 / 2));
}

/** What a check costs beside the hashing, in bytes that could be hashed by SHA-256 in that time. */
const checkCostBytes = 128 * 1024;

/** Time of a whole check of `size` bytes, in bytes that could be hashed by SHA-256. */
export const checkBytes = (key: KeyObject, size: number): number =>
	size * hashPasses(key) + checkCostBytes * checkCost(key);

/** ed25519 takes SHA-512, RSA is tried with two paddings, P-384 with SHA-384 too. */
const hashPasses = (key: KeyObject): number =>
	curveOf(key) === 'secp384r1' ? 3 : key.asymmetricKeyType === 'ec' ? 1 : 2;

export type SignatureCheck = { verified: true; padding: Padding } | { verified: false };

const refused: SignatureCheck = { verified: false };
const verifiedWith: Readonly<Record<Padding, SignatureCheck>> = {
	none: { verified: true, padding: 'none' },
	pss: { verified: true, padding: 'pss' },
	pkcs1: { verified: true, padding: 'pkcs1' },
};

/**
 * As go-witness verifies: ed25519, ECDSA with SHA-256 on every curve, RSA with SHA-256 and PSS, else PKCS #1 v1.5; the
 * padding says which, so that the caller can refuse the latter. `weak`: by keys too that only go-witness takes. Never throws.
 */
export function checkSignature(key: KeyObject, bytes: Uint8Array, signature: Uint8Array, weak = false): SignatureCheck {
	if (!isVerifierKey(key) && !(weak && isWeakKey(key))) return refused;
	try {
		switch (key.asymmetricKeyType) {
			case 'ed25519':
				return verify(null, bytes, key, signature) ? verifiedWith.none : refused;
			case 'ec':
				return verify('sha256', bytes, key, signature) ? verifiedWith.none : refused;
			case 'rsa':
				if (verify('sha256', bytes, { key, ...pss }, signature)) return verifiedWith.pss;
				return verify('sha256', bytes, { key, padding: constants.RSA_PKCS1_PADDING }, signature)
					? verifiedWith.pkcs1
					: refused;
			default:
				return refused;
		}
	} catch {
		return refused;
	}
}
