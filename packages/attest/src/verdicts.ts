// What a statement of ours says about a session: the evidence that verification rests on.

import type { Statement } from './statement.ts';
import { isObject, typeName } from './statement.ts';
import { collectionPredicateType, vsaPredicateType } from './type-uris.ts';

export type SessionVerdict = 'passed' | 'failed' | 'incomplete';

export interface Said {
	/** collection or vsa: the statements that carry a verdict about products. */
	by: 'collection' | 'vsa';
	session: string;
	revision: number;
	verdict: SessionVerdict;
	/** False for a collection that is not under a passed step's name although its session passed: it could not hold everything. */
	whole: boolean;
	/** True for a session whose trace was imported: its digests and its view of the host are weaker than the kernel's. */
	imported: boolean;
	/** Rules of the findings, at most a few, for the reason. */
	rules: string[];
}

export type VerdictReading =
	| { kind: 'verdict'; said: Said }
	/** Ours or not, it says nothing that an artifact can be accepted for. */
	| { kind: 'other-predicate'; predicateType: string }
	| { kind: 'invalid'; reason: string };

/** Reads the verdict out of a statement whose signature has been checked. Strict: what is not clearly passed is not. */
export function readVerdict(statement: Statement): VerdictReading {
	switch (statement.predicateType) {
		case vsaPredicateType:
			return readVsa(statement.predicate);
		case collectionPredicateType:
			return readCollection(statement.predicate);
		default:
			return { kind: 'other-predicate', predicateType: statement.predicateType };
	}
}

function readVsa(predicate: unknown): VerdictReading {
	if (!isObject(predicate)) return wrong('predicate', 'an object', predicate);
	const { verificationResult: result, affidavit_session: session, affidavit_revision: revision } = predicate;
	const verdict = predicate['affidavit_verdict'];
	if (result !== 'PASSED' && result !== 'FAILED')
		return wrong('predicate.verificationResult', 'PASSED or FAILED', result);
	if (typeof session !== 'string') return wrong('predicate.affidavit_session', 'a string', session);
	if (!isRevision(revision)) return wrong('predicate.affidavit_revision', 'an integer from 1', revision);
	if (!isVerdict(verdict)) return wrong('predicate.affidavit_verdict', 'passed, failed or incomplete', verdict);
	// The two must agree; a summary that contradicts itself passes nothing.
	if ((result === 'PASSED') !== (verdict === 'passed'))
		return {
			kind: 'invalid',
			reason: `predicate: verificationResult ${result} contradicts affidavit_verdict ${verdict}`,
		};
	const rules = findingRules(predicate['affidavit_findings']);
	const step = predicate['affidavit_step'];
	const imported = typeof step === 'string' && isImportedStep(step);
	return { kind: 'verdict', said: { by: 'vsa', session, revision, verdict, whole: true, imported, rules } };
}

function readCollection(predicate: unknown): VerdictReading {
	if (!isObject(predicate)) return wrong('predicate', 'an object', predicate);
	const { name, affidavit } = predicate;
	if (typeof name !== 'string') return wrong('predicate.name', 'a string', name);
	// A collection of another tool tells what ran, but nobody judged it.
	if (!isObject(affidavit))
		return wrong('predicate.affidavit', 'an object (a collection that Affidavit made)', affidavit);
	const { session, revision, verdict } = affidavit;
	if (typeof session !== 'string') return wrong('predicate.affidavit.session', 'a string', session);
	if (!isRevision(revision)) return wrong('predicate.affidavit.revision', 'an integer from 1', revision);
	if (!isVerdict(verdict)) return wrong('predicate.affidavit.verdict', 'passed, failed or incomplete', verdict);
	const whole = !name.endsWith('.failed') && !name.endsWith('.incomplete');
	const imported = isImportedStep(name);
	return { kind: 'verdict', said: { by: 'collection', session, revision, verdict, whole, imported, rules: [] } };
}

/** STEP.imported, with .failed or .incomplete after it where the session did not pass. */
const isImportedStep = (step: string): boolean => /\.imported(\.failed|\.incomplete)?$/.test(step);

const rulesMax = 5;
function findingRules(findings: unknown): string[] {
	if (!Array.isArray(findings)) return [];
	const rules = new Set<string>();
	for (const finding of findings) {
		if (rules.size === rulesMax) break;
		if (isObject(finding) && typeof finding['rule'] === 'string') rules.add(finding['rule'].slice(0, 100));
	}
	return [...rules];
}

const isRevision = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 1;
const isVerdict = (value: unknown): value is SessionVerdict =>
	value === 'passed' || value === 'failed' || value === 'incomplete';

const wrong = (field: string, expected: string, found: unknown): VerdictReading => ({
	kind: 'invalid',
	reason: `${field}: expected ${expected}, found ${typeof found === 'string' ? JSON.stringify(found.slice(0, 80)) : typeName(found)}`,
});
