// One case of the matrix: what a verification is given, and what must be said of it.
import type { TrapCode } from '@affidavit/attest/policy/traps.ts';
import type { NamedEnvelope } from '@affidavit/attest/verify-artifact.ts';
import type { Maker } from './maker.ts';

/** Everything that one verification reads. */
export interface Inputs {
	/** The signed policy, as a file holds it. */
	policy: Uint8Array;
	/** PEM text of the key that must have signed the policy. */
	policyKey: string;
	attestations: readonly NamedEnvelope[];
	artifact: Uint8Array;
}

export type Verdict = 'accept' | 'reject';

export interface MatrixCase {
	/** Unique; a sentence that finishes "the policy engine on ...". */
	name: string;
	/** What the real library says (go-witness 0.12.0), as it was seen to say; the peer is asked again where it is present. */
	peer: Verdict;
	/** Traps for which strict mode rejects what the real library accepts; empty where strict says the same. */
	traps?: readonly TrapCode[];
	/** Must be in the reasons of our witness mode: that it rejects for this and for nothing else. */
	says?: RegExp;
	make(maker: Maker): Inputs | Promise<Inputs>;
}
