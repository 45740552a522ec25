// Who signed an envelope: every signature against every key, and against its own certificate (go-witness dsse/verify.go).
import type { Envelope, TrustedKey } from './dsse.ts';
import type { Padding } from './keys.ts';
import type { Certificate } from './x509/certificate.ts';

export interface SignersRequest {
	keys: readonly TrustedKey[];
	/** Roots of all the policy's trust bundles. */
	roots: readonly Certificate[];
	/** Intermediates of all the policy's trust bundles; those of a signature come first. */
	intermediates: readonly Certificate[];
	/** Roots and intermediates of all the policy's timestamp authorities; with any, only a timestamp gives the time. */
	timestampAuthorities: readonly Certificate[];
	/** Unix time in milliseconds that a certificate is judged at when the policy has no timestamp authority. */
	nowMs: number;
}

/** `signature`: position in the envelope. `padding`: of an RSA signature that verified, else 'none'. `reason`: '' when verified. */
export type SignerCheck =
	| { kind: 'key'; signature: number; keyId: string; verified: boolean; padding: Padding; reason: string }
	| {
			kind: 'certificate';
			signature: number;
			certificate: Certificate;
			/** What chains are built with, the signature's own first: for asking which root it belongs to. */
			intermediates: Certificate[];
			/** Leaf first, root last; empty when there is none. */
			chain: Certificate[];
			/** Unix time in milliseconds that it was judged at. */
			atMs: number;
			/** True when `atMs` is a timestamp's. */
			timestamped: boolean;
			verified: boolean;
			padding: Padding;
			reason: string;
	  }
	/** The signature carries a certificate that cannot be read: go-witness then tries no key on it either. */
	| { kind: 'unreadable-certificate'; signature: number; verified: false; reason: string };
