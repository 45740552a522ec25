// A Witness policy after it was read: what the checks and `policy show` work on.
import type { TrustedKey } from '../dsse.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { CertificateConstraint } from './constraints.ts';
import type { RequiredMark, TrapCode } from './traps.ts';

export interface Policy {
	/** sha256 of the payload, hex. */
	sha256: string;
	/** RFC 3339. */
	expires: string;
	expiresMs: number;
	/** Keys that signatures are checked with. A certificate among the policy's public keys is in `unusableKeys`. */
	keys: TrustedKey[];
	/** Ids of certificates given as public keys: no signature verifies under them. */
	unusableKeys: string[];
	roots: TrustBundle[];
	timestampAuthorities: TrustBundle[];
	/** In the policy's order. */
	steps: PolicyStep[];
}

export interface TrustBundle {
	id: string;
	certificate: Certificate;
	intermediates: Certificate[];
}

export interface PolicyStep {
	name: string;
	functionaries: Functionary[];
	attestations: RequiredAttestation[];
	/** Steps that the materials must come from. */
	artifactsFrom: string[];
}

export interface Functionary {
	/** What the policy calls it; the real engine does not look at it. */
	type: string;
	/** '' for none. */
	publicKeyId: string;
	constraint: CertificateConstraint;
}

export interface RequiredAttestation {
	type: string;
	rego: PolicyModule[];
}

export interface PolicyModule {
	name: string;
	text: string;
	required: RequiredMark;
}

/** Why a policy is refused. */
export interface PolicyProblem {
	/** steps.build.functionaries[0].certConstraint, expires, ... */
	field: string;
	/** One sentence without the field. */
	message: string;
	/** Set when the real engine would go on. */
	trap?: TrapCode;
}

export const describeProblem = ({ field, message }: PolicyProblem): string =>
	field === '' ? message : `${field}: ${message}`;
