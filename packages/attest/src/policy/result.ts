// What a verification against a policy says: a tree step → collection → functionary → attestation → rule, each with its reason.
import type { TrapCode } from './traps.ts';

/** strict fails closed where the real engine does not; witness gives the real engine's answers. */
export type PolicyMode = 'strict' | 'witness';

export interface PolicyResult {
	accepted: boolean;
	/** One sentence. */
	reason: string;
	mode: PolicyMode;
	/** affidavit or opa, with its version. */
	regoEngine: string;
	policy: PolicyNode;
	/** Digests that the search began with, hex. */
	subjects: string[];
	/** In the policy's order; empty when the policy itself was refused. */
	steps: StepNode[];
	/** One per envelope that no step took, in the order given. */
	unused: UnusedEnvelope[];
	/** Every trap that made strict mode refuse something, each code once. */
	traps: TrapCode[];
}

export interface PolicyNode {
	/** What the caller calls it: the file. */
	name: string;
	accepted: boolean;
	reason: string;
	/** sha256 of the policy's payload, hex; '' when it could not be read. */
	sha256: string;
	/** Key that signed it; '' when none of the given did. */
	keyId: string;
	/** RFC 3339; '' when unknown. */
	expires: string;
}

export interface StepNode {
	name: string;
	accepted: boolean;
	reason: string;
	collections: CollectionNode[];
}

export interface CollectionNode {
	/** What the caller calls the envelope: the file. */
	envelope: string;
	payloadSha256: string;
	accepted: boolean;
	reason: string;
	/** Which subject made the search find it, and in which round (0-based). */
	matched: { subject: string; digest: string; round: number };
	/** One per signature and functionary that was compared. */
	functionaries: FunctionaryNode[];
	/** One per attestor of a required type, and one per required type that is missing. */
	attestations: AttestationNode[];
	/** One per step that the materials must come from. */
	artifacts: ArtifactNode[];
	traps: TrapNode[];
}

export interface FunctionaryNode {
	kind: 'publickey' | 'root';
	/** Key id of the policy's functionary, or the root ids that its constraint names. */
	expected: string;
	/** Key id of what signed; '' when no signature verified. */
	keyId: string;
	/** Subject of the certificate that signed; '' for a bare key. */
	certificate: string;
	/** RFC 3339 time of the timestamp that the certificate was judged at; '' when it was judged at the time of verification. */
	timestamp: string;
	accepted: boolean;
	reason: string;
}

export interface AttestationNode {
	type: string;
	/** Position among the collection's attestations; -1 when the type is missing. */
	index: number;
	accepted: boolean;
	reason: string;
	rules: RuleNode[];
}

export interface RuleNode {
	/** The policy's name of the module. */
	name: string;
	/** data.<path>; '' when the module does not parse. */
	package: string;
	accepted: boolean;
	reason: string;
	/** What its `deny` said. */
	denials: string[];
	traps: TrapNode[];
}

export interface TrapNode {
	code: TrapCode;
	/** One sentence with the place: module, row, field. */
	message: string;
}

export interface ArtifactNode {
	/** The step whose artifacts the materials must be. */
	from: string;
	accepted: boolean;
	reason: string;
	/** Paths that both have, and those of them that differ (at most mismatchesShownMax). */
	common: number;
	mismatches: { path: string; material: string; artifact: string }[];
}

export interface UnusedEnvelope {
	envelope: string;
	reason: string;
}

export const mismatchesShownMax = 20;
