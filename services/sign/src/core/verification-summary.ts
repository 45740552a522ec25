// SLSA VSA v1 of a session: the verdict on its products, with findings and completeness as extension fields.
import type { VerificationSummary } from '@affidavit/attest/generated/verification-summary-v1.ts';
import type { Statement } from '@affidavit/attest/statement.ts';
import { sessionUri, statementTypeV1, verifierId, vsaPredicateType } from '@affidavit/attest/type-uris.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import { rfc3339 } from './event-time.ts';
import type { GatheredSession } from './gathered.ts';
import { sessionSubjects } from './session-subjects.ts';
import { signedVerdict } from './signed-verdict.ts';

export interface InputStatement {
	predicateType: string;
	payloadSha256: string;
}

export function summaryStatement(
	session: GatheredSession,
	verdict: Verdict,
	inputs: readonly InputStatement[],
): Statement<VerificationSummary> {
	const { opened, closed } = session.facts;
	const value = signedVerdict(verdict, session.facts);
	const passed = value === 'passed';
	return {
		_type: statementTypeV1,
		subject: sessionSubjects(session, verdict),
		predicateType: vsaPredicateType,
		predicate: {
			verifier: { id: verifierId },
			timeVerified: rfc3339(closed.timeUs),
			resourceUri: sessionUri(verdict.session),
			policy: { uri: 'https://affidavit.dev/rules', digest: { sha256: verdict.ruleSet } },
			inputAttestations: inputs.map((i) => ({ uri: i.predicateType, digest: { sha256: i.payloadSha256 } })),
			verificationResult: passed ? 'PASSED' : 'FAILED',
			verifiedLevels: [passed ? 'SLSA_BUILD_LEVEL_UNEVALUATED' : 'FAILED'],
			slsaVersion: '1.0',
			affidavit_session: verdict.session,
			affidavit_revision: verdict.revision,
			affidavit_step: opened.step,
			affidavit_verdict: value,
			affidavit_findings: verdict.findings,
			affidavit_completeness: verdict.completeness,
			affidavit_judged_against: {
				indicatorSet: verdict.indicatorSet,
				manifest: verdict.manifest,
				commit: verdict.commit,
				repository: verdict.repository,
			},
		},
	};
}
