// The SLSA verification summary of an artifact that was verified against a policy. Not a session's own summary: it has no
// affidavit_* fields, so that nothing takes it for a verdict on a session (verdicts.ts).
import type { Statement } from './statement.ts';
import { collectionPredicateType, statementTypeV1, verifierId, vsaPredicateType } from './type-uris.ts';

export interface PolicyVerification {
	artifact: {
		/** What the caller calls it: the file's name. */
		name: string;
		/** Hex. */
		sha256: string;
	};
	/** URI of what the artifact is: where it is published, or its digest. */
	resourceUri: string;
	/** RFC 3339. */
	timeVerified: string;
	policy: {
		uri: string;
		/** Of the policy's payload, hex. */
		sha256: string;
	};
	/** sha256 (hex) of the payloads of the collections that were used. */
	inputPayloads: readonly string[];
	accepted: boolean;
}

/** https://slsa.dev/verification_summary/v1 */
export interface ArtifactSummary {
	verifier: { id: string };
	timeVerified: string;
	resourceUri: string;
	policy: { uri: string; digest: { sha256: string } };
	inputAttestations: { uri: string; digest: { sha256: string } }[];
	verificationResult: 'PASSED' | 'FAILED';
	verifiedLevels: string[];
	slsaVersion: string;
}

const slsaVersion = '1.0';

export function artifactSummary(verification: PolicyVerification): Statement<ArtifactSummary> {
	const { artifact, resourceUri, timeVerified, policy, inputPayloads, accepted } = verification;
	return {
		_type: statementTypeV1,
		subject: [{ name: artifact.name, digest: { sha256: artifact.sha256 } }],
		predicateType: vsaPredicateType,
		predicate: {
			verifier: { id: verifierId },
			timeVerified,
			resourceUri,
			policy: { uri: policy.uri, digest: { sha256: policy.sha256 } },
			inputAttestations: [...new Set(inputPayloads)].sort().map((sha256) => ({
				uri: collectionPredicateType,
				digest: { sha256 },
			})),
			verificationResult: accepted ? 'PASSED' : 'FAILED',
			// A policy says nothing about SLSA's levels; a failed one has this as its only level.
			verifiedLevels: [accepted ? 'SLSA_BUILD_LEVEL_UNEVALUATED' : 'FAILED'],
			slsaVersion,
		},
	};
}
