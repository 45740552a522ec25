// What the policy engine needs of a certificate. Parsing is pkijs's, signatures are node:crypto's.
import type { KeyObject } from 'node:crypto';
import type { PolicyFields } from './certificate-policies.ts';

export interface Certificate {
	der: Uint8Array;
	key: KeyObject;
	/** Witness's key id of the certificate's public key. */
	keyId: string;
	/** RFC 4514 text of the subject, for people. */
	subject: string;
	commonName: string;
	organizations: string[];
	dnsNames: string[];
	emails: string[];
	uris: string[];
	notBeforeMs: number;
	notAfterMs: number;
	/** Fulcio's extensions by the names that Witness's constraints use (fulcio.ts: Issuer, GithubWorkflowTrigger, ...); absent ones are not in it. */
	fulcio: ReadonlyMap<string, string>;
	/** Why Fulcio's extensions cannot be read, '' when they can: go-witness then fails every constraint on the certificate. */
	fulcioReason: string;
	path: PathFields;
}

/** What a chain is built and judged by. Byte strings are views into the certificate's DER. */
export interface PathFields extends PolicyFields {
	subjectDer: Uint8Array;
	issuerDer: Uint8Array;
	spkiDer: Uint8Array;
	tbsDer: Uint8Array;
	/** Content of the serial number's INTEGER. */
	serial: Uint8Array;
	signature: Uint8Array;
	/** null: none that we take (MD5, SHA-1, DSA, unknown). */
	signatureScheme: SignatureScheme | null;
	/** 1 to 3. */
	version: number;
	hasBasicConstraints: boolean;
	isCa: boolean;
	/** -1: unlimited. */
	pathLengthMax: number;
	/** There is a key usage, and it does not say keyCertSign. */
	forbidsCertSign: boolean;
	subjectKeyId: Uint8Array | null;
	authorityKeyId: Uint8Array | null;
	/** Value of the subject alternative name, null without one. */
	alternativeNameDer: Uint8Array | null;
	ipAddresses: Uint8Array[];
	/** OIDs of the extended key usages. */
	extendedKeyUsages: string[];
	extendedKeyUsageCritical: boolean;
	nameConstraints: NameConstraints | null;
	/** OIDs of critical extensions that nobody here understands. */
	unhandledCritical: string[];
}

export type SignatureScheme =
	| { kind: 'pkcs1' | 'pss' | 'ecdsa'; hash: 'sha256' | 'sha384' | 'sha512' }
	| { kind: 'ed25519' };

export interface NameConstraints {
	permitted: NameSubtrees;
	excluded: NameSubtrees;
}

export interface NameSubtrees {
	dnsNames: string[];
	emails: string[];
	uriDomains: string[];
	ipRanges: { address: Uint8Array; mask: Uint8Array }[];
}

export type CertificateResult = { kind: 'certificate'; certificate: Certificate } | { kind: 'invalid'; reason: string };

/** Largest certificate that is read, bytes of PEM or DER. */
export const certificateBytesMax = 64 * 1024;
