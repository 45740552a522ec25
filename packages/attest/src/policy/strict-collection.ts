// What strict mode asks of a collection beyond the real engine: that it is what it says it is, and that its subjects are
// those of its attestors.
import { isObject, quote, typeName } from '../statement.ts';
import { collectionPredicateType, inTotoPayloadType, statementTypeV1, statementTypeV01 } from '../type-uris.ts';
import type { LoadedAttestation, LoadedStatement } from './collection.ts';
import type { DigestSet } from './digest-set.ts';
import { isKnownAlgorithm } from './digest-set.ts';
import type { TrapNode } from './result.ts';

export function collectionTraps(payloadType: string, statement: LoadedStatement, ambiguity: string): TrapNode[] {
	const traps: TrapNode[] = [];
	const { statementType, predicateType } = statement;
	if (ambiguity !== '') traps.push({ code: 'ambiguous-json', message: ambiguity });
	if (payloadType !== inTotoPayloadType)
		traps.push({
			code: 'foreign-payload-type',
			message: `payloadType: expected ${inTotoPayloadType}, found ${quote(payloadType)}`,
		});
	if (statementType !== statementTypeV01 && statementType !== statementTypeV1)
		traps.push({
			code: 'foreign-payload-type',
			message: `_type: expected ${statementTypeV01} or ${statementTypeV1}, found ${quote(statementType)}`,
		});
	if (predicateType !== collectionPredicateType)
		traps.push({
			code: 'foreign-predicate-type',
			message: `predicate type ${quote(predicateType)} is not a collection predicate type`,
		});
	const verdict = verdictTrap(statement);
	if (verdict !== '') traps.push({ code: 'verdict-not-passed', message: verdict });
	const strange = strangeSubject(statement);
	if (strange !== '') traps.push({ code: 'subject-without-attestor', message: strange });
	return traps;
}

/** Affidavit's own word on the session; other makers' collections have none. */
function verdictTrap({ affidavit, collection }: LoadedStatement): string {
	if (affidavit === undefined) return '';
	if (!isObject(affidavit)) return `affidavit: expected an object, found ${typeName(affidavit)}`;
	const { verdict, session } = affidavit;
	if (verdict !== 'passed') {
		const said = typeof verdict === 'string' ? quote(verdict) : typeName(verdict);
		return `affidavit.verdict: expected passed, found ${said} (session ${typeof session === 'string' ? quote(session) : 'unknown'})`;
	}
	// A passed session that the collection could not hold whole is signed under another name.
	return collection.name.endsWith('.incomplete') || collection.name.endsWith('.failed')
		? `the collection ${quote(collection.name)} does not hold a whole, passed session`
		: '';
}

/** First subject that no attestor of the collection gives, '' for none. Attestors may give more: Witness filters products. */
function strangeSubject({ subjects, collection }: LoadedStatement): string {
	const given = new Map<string, DigestSet[]>();
	const untold: string[] = [];
	for (const { type, attestor, about } of collection.attestations) {
		if (about.subjects === null) untold.push(`${type}/`);
		else if (about.subjects)
			for (const [name, digests] of about.subjects(attestor)) {
				const full = `${type}/${name}`;
				const sets = given.get(full);
				if (sets) sets.push(digests);
				else given.set(full, [digests]);
			}
	}
	for (const { name, digest } of subjects) {
		if (given.get(name)?.some((set) => holds(set, digest))) continue;
		if (!untold.some((prefix) => name.startsWith(prefix)))
			return `no attestor gives the subject ${quote(name)} with these digests`;
	}
	return '';
}

/** A commit of a SHA-256 repository is called sha1 by Witness and sha256 by others. */
const commitAlgorithms: readonly string[] = ['sha1', 'sha256'];

function holds(set: DigestSet, digests: DigestSet): boolean {
	for (const algorithm of Object.keys(digests)) {
		const digest = digests[algorithm];
		if (Object.hasOwn(set, algorithm) && set[algorithm] === digest) continue;
		const renamed = commitAlgorithms.includes(algorithm) && Object.keys(set).length === 1 && set['sha1'] === digest;
		if (!renamed) return false;
	}
	return true;
}

/** True when one of the digests is that of something the collection's step made: a product, an image. */
export function makesProduct({ subjects, collection }: LoadedStatement, digests: ReadonlySet<string>): boolean {
	const prefixes = collection.attestations.flatMap(productPrefixes);
	for (const { name, digest } of subjects) {
		if (!prefixes.some((prefix) => name.startsWith(prefix))) continue;
		for (const algorithm of Object.keys(digest))
			if (isKnownAlgorithm(algorithm) && digests.has(digest[algorithm] as string)) return true;
	}
	return false;
}

const productPrefixes = ({ type, about }: LoadedAttestation): string[] =>
	(about.productPrefixes ?? []).map((prefix) => `${type}/${prefix}`);
