// Keys from PEM text, and raw signatures as DSSE signers in the field make them (go-witness, cosign).
import type { KeyObject } from 'node:crypto';
import { constants, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { sha256Hex } from '@affidavit/model/digests.ts';

export type KeyResult = { kind: 'key'; key: KeyObject; keyId: string } | { kind: 'invalid'; reason: string };

/** Padding of an RSA signature that verified; 'none' for other keys. */
export type Padding = 'pss' | 'pkcs1' | 'none';

/** Key files are a few hundred bytes; more is some other file. */
export const keyFileBytesMax = 64 * 1024;

const privateExpected =
	'expected an ed25519 or ECDSA P-256 private key, unencrypted, PKCS #8 PEM (-----BEGIN PRIVATE KEY-----)';
const publicExpected =
	'expected an ed25519, ECDSA P-256 or P-384, or RSA (2048 bits or more) public key, SPKI PEM (-----BEGIN PUBLIC KEY-----)';

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
		if (isVerifierKey(key)) return { kind: 'key', key, keyId: keyIdOf(key) };
	} catch {
		return { kind: 'invalid', reason: `${name}: ${publicExpected}; this one cannot be read` };
	}
	return { kind: 'invalid', reason: `${name}: ${publicExpected}; this one is of another kind` };
}

function isVerifierKey(key: KeyObject): boolean {
	const curve = curveOf(key);
	return (
		key.asymmetricKeyType === 'ed25519' ||
		curve === 'prime256v1' ||
		curve === 'secp384r1' ||
		((key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'rsa-pss') &&
			(key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048)
	);
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
			case 'rsa-pss': {
				const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO };
				return verify('sha256', bytes, { key, ...padding }, signature);
			}
			default:
				return false;
		}
	} catch {
		return false;
	}
}
