// Verdicts of Affidavit that speak against a collection: a later revision of its session, or another word on the same one,
// that is not passed. They only ever refuse, and only when somebody whom the policy knows signed them.
import type { Envelope } from '../dsse.ts';
import type { SignersRequest } from '../signers.ts';
import { isSigned } from '../signers.ts';
import { parseStatement, quote } from '../statement.ts';
import { collectionPredicateType } from '../type-uris.ts';
import type { Said } from '../verdicts.ts';
import { readVerdict } from '../verdicts.ts';
import type { NamedEnvelope } from '../verify-artifact.ts';
import type { LoadedStatement } from './collection.ts';
import { readGoEnvelope } from './go-envelope.ts';

/** A verdict that is not passed; its signature is checked when it matters, and once. */
export interface Verdict {
	envelope: NamedEnvelope;
	said: Said;
	signed?: ReturnType<typeof isSigned>;
}

/** What a collection of ours says of its session; null for one of another maker, or without a verdict. */
export function saidByCollection({ affidavit, collection, statementType, subjects }: LoadedStatement): Said | null {
	if (affidavit === undefined) return null;
	const predicate = { name: collection.name, affidavit };
	const reading = readVerdict({
		_type: statementType,
		subject: subjects,
		predicateType: collectionPredicateType,
		predicate,
	});
	return reading.kind === 'verdict' ? reading.said : null;
}

/** What a verification summary of ours says; null for anything else. */
export function saidBySummary({ payload }: Envelope): Said | null {
	const parsed = parseStatement(payload);
	if (parsed.kind === 'invalid' || parsed.statement.predicateType === collectionPredicateType) return null;
	const reading = readVerdict(parsed.statement);
	return reading.kind === 'verdict' ? reading.said : null;
}

/** Why the collection's passed verdict does not stand, '' when it does. */
export function supersededBy(said: Said, verdicts: readonly Verdict[], signers: SignersRequest): string {
	for (const verdict of verdicts) {
		const { envelope, said: other } = verdict;
		if (other.session !== said.session || other.revision < said.revision) continue;
		verdict.signed ??= signedBy(envelope, signers);
		if (verdict.signed === 'unsigned') continue;
		const found = `revision ${other.revision} of session ${quote(said.session)} is ${other.verdict} (${envelope.name})`;
		// Strangers' verdicts must not use up what is left for the one that counts.
		return verdict.signed === 'signed' ? found : `${found}, with more signatures than can be checked`;
	}
	return '';
}

function signedBy({ bytes }: NamedEnvelope, signers: SignersRequest): 'signed' | 'unsigned' | 'undecided' {
	const read = readGoEnvelope(bytes);
	return read.kind === 'envelope' ? isSigned(read.envelope, signers) : 'unsigned';
}
