// Keys for the cases: from a seed where node:crypto can make one of it, so that a failing case can be made again.
import type { KeyObject } from 'node:crypto';
import {
	constants,
	createECDH,
	createHash,
	createPrivateKey,
	createPublicKey,
	generateKeyPairSync,
	sign,
} from 'node:crypto';
import { keyIdOf, publicKeyPem } from '@affidavit/attest/keys.ts';

export type KeyKind = 'ed25519' | 'p224' | 'p256' | 'p384' | 'p521' | 'rsa1024' | 'rsa2048' | 'rsa3072' | 'rsa4096';

export interface MatrixKey {
	kind: KeyKind;
	privateKey: KeyObject;
	publicKey: KeyObject;
	/** Witness's key id. */
	keyId: string;
	/** SPKI PEM. */
	pem: string;
}

const curves = {
	p224: { ecdh: 'secp224r1', jwk: '', bytes: 28 },
	p256: { ecdh: 'prime256v1', jwk: 'P-256', bytes: 32 },
	p384: { ecdh: 'secp384r1', jwk: 'P-384', bytes: 48 },
	p521: { ecdh: 'secp521r1', jwk: 'P-521', bytes: 66 },
} as const;

/** PKCS #8 of an ed25519 key is this and the 32 bytes of its seed (RFC 8410). */
const ed25519Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Prime search takes seconds, so an RSA key is made once for each of its labels in a process; its value decides nothing. */
const rsaKeys = new Map<string, KeyObject>();

export function matrixKey(kind: KeyKind, seed: string): MatrixKey {
	const privateKey = privateKeyOf(kind, seed);
	const publicKey = createPublicKey(privateKey);
	return { kind, privateKey, publicKey, keyId: keyIdOf(publicKey), pem: publicKeyPem(publicKey) };
}

function privateKeyOf(kind: KeyKind, seed: string): KeyObject {
	const secret = createHash('sha512').update(`${kind}:${seed}`).digest();
	switch (kind) {
		case 'ed25519':
			return createPrivateKey({
				key: Buffer.concat([ed25519Prefix, secret.subarray(0, 32)]),
				format: 'der',
				type: 'pkcs8',
			});
		case 'p224':
			return generateKeyPairSync('ec', { namedCurve: 'P-224' }).privateKey;
		case 'p256':
		case 'p384':
		case 'p521':
			return curveKey(curves[kind], secret);
		case 'rsa1024':
		case 'rsa2048':
		case 'rsa3072':
		case 'rsa4096': {
			const label = `${kind}:${seed}`;
			const known =
				rsaKeys.get(label) ?? generateKeyPairSync('rsa', { modulusLength: Number(kind.slice(3)) }).privateKey;
			rsaKeys.set(label, known);
			return known;
		}
	}
}

function curveKey({ ecdh, jwk, bytes }: (typeof curves)['p256' | 'p384' | 'p521'], secret: Buffer): KeyObject {
	// A leading zero byte keeps the scalar below every curve's order.
	const scalar = Buffer.alloc(bytes);
	secret.copy(scalar, 2, 0, Math.min(secret.length, bytes - 2));
	const pair = createECDH(ecdh);
	pair.setPrivateKey(scalar);
	const point = pair.getPublicKey();
	const text = (part: Buffer): string => part.toString('base64url');
	const key = {
		kty: 'EC',
		crv: jwk,
		d: text(scalar),
		x: text(point.subarray(1, 1 + bytes)),
		y: text(point.subarray(1 + bytes)),
	};
	return createPrivateKey({ key, format: 'jwk' });
}

/** How a signature is made; what a key does by default is what go-witness's signers do. */
export interface SignatureScheme {
	hash?: 'sha256' | 'sha384' | 'sha512';
	/** RSA only; PSS by default. */
	padding?: 'pss' | 'pkcs1';
	/** RSA-PSS only, bytes. */
	saltLength?: number;
	/** ECDSA only: r and s side by side in place of DER. */
	p1363?: boolean;
}

export function signWith(key: KeyObject, bytes: Uint8Array, scheme: SignatureScheme = {}): Buffer {
	const hash = scheme.hash ?? 'sha256';
	switch (key.asymmetricKeyType) {
		case 'ed25519':
			return sign(null, bytes, key);
		case 'rsa': {
			if (scheme.padding === 'pkcs1') return sign(hash, bytes, { key, padding: constants.RSA_PKCS1_PADDING });
			const saltLength = scheme.saltLength ?? constants.RSA_PSS_SALTLEN_MAX_SIGN;
			return sign(hash, bytes, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
		}
		default:
			return sign(hash, bytes, { key, dsaEncoding: scheme.p1363 === true ? 'ieee-p1363' : 'der' });
	}
}
