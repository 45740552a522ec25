// The index: a statement of its own whose subjects are what the session executed and read, so that a search for any digest
// finds the session on a stock Archivista, while no verifier of artifacts ever takes it (formats.md 5, way C).
import type { DigestIndex } from '@affidavit/attest/generated/index-v0.1.ts';
import type { Statement, Subject } from '@affidavit/attest/statement.ts';
import { indexPredicateType, statementTypeV1 } from '@affidavit/attest/type-uris.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import type { IndexedDigest } from './gathered.ts';

export interface IndexContext {
	verdict: Verdict;
	step: string;
	/** sha256 of the runtime-trace statement's payload. */
	runtimeTraceSha256: string;
	/** Repeated in every part, so that a digest found in any of them leads to the products. */
	products: readonly IndexedDigest[];
	subjectsMax: number;
}

/** Parts of at most `subjectsMax` subjects; at least one. `digests`: in order, each once. */
export function* indexStatements(
	context: IndexContext,
	digests: Iterable<IndexedDigest>,
): Generator<Statement<DigestIndex>, void, void> {
	// Products take at most half of a part.
	const products = context.products.slice(0, context.subjectsMax >> 1).map(indexSubject);
	const room = Math.max(1, context.subjectsMax - products.length);
	let part = 1;
	let subjects: Subject[] = [];
	for (const entry of digests) {
		if (subjects.length === room) {
			yield indexStatement(context, [...products, ...subjects], part++, false);
			subjects = [];
		}
		subjects.push(indexSubject(entry));
	}
	yield indexStatement(context, [...products, ...subjects], part, true);
}

function indexStatement(
	{ verdict, step, runtimeTraceSha256 }: IndexContext,
	subject: Subject[],
	part: number,
	last: boolean,
): Statement<DigestIndex> {
	return {
		_type: statementTypeV1,
		subject,
		predicateType: indexPredicateType,
		predicate: {
			session: verdict.session,
			revision: verdict.revision,
			verdict: verdict.verdict,
			step,
			part,
			last,
			runtimeTrace: { sha256: runtimeTraceSha256 },
		},
	};
}

/** Named by the role, never as a product of Witness: a verifier that looks at names finds no artifact here. */
const indexSubject = ({ digest, role, path }: IndexedDigest): Subject => ({
	name: `${indexPredicateType}/${role}:${path}`,
	digest: { sha256: digest },
});
