// The given envelopes, indexed once by collection name and subject digest. As in go-witness's memory source, the index is
// made of what unverified payloads say and only proposes candidates: nothing of a payload is used before its signature holds.
import type { Envelope } from '../dsse.ts';
import { indexPredicateType, runtimeTracePredicateType, vsaPredicateType } from '../type-uris.ts';
import type { Said } from '../verdicts.ts';
import type { NamedEnvelope } from '../verify-artifact.ts';
import type { LoadedStatement } from './collection.ts';
import { loadStatement } from './collection.ts';
import { readGoEnvelope } from './go-envelope.ts';
import type { Verdict } from './superseded.ts';
import { saidByCollection, saidBySummary } from './superseded.ts';

/** One envelope of the set. */
export interface Indexed {
	/** Position among the given. */
	index: number;
	envelope: NamedEnvelope;
	/** Types that its attestors call themselves. */
	types: ReadonlySet<string>;
	/** What was read of it; null when it is to be read again, since memory must not hold all that is given. */
	opened: OpenedCollection | null;
}

interface Posting {
	entry: Indexed;
	/** Name of the subject that has the digest. */
	subject: string;
}

export interface EnvelopeIndex {
	/** Collection name → digest → envelopes, in the order given. */
	byName: ReadonlyMap<string, ReadonlyMap<string, readonly Posting[]>>;
	/** Files that no step can take, with the reason. */
	others: ReadonlyMap<number, string>;
	/** What Affidavit says of its sessions that is not `passed`. Unverified, as the rest. */
	verdicts: Verdict[];
	/** Collection name of each envelope that has one. */
	names: ReadonlyMap<number, string>;
	/** What makes the real engine fail the whole run: a sentence each, with the file's name. */
	broken: string[];
}

/** Most envelopes of one request. */
export const envelopesMax = 10_000;
/**
 * Payloads that are kept as they were read, bytes; their JavaScript values take several times that. The first envelope is kept
 * whatever its size, so that a single one is read but once; the rest of a large set is read again when it is a candidate.
 */
export const keptBytesMax = 16 * 1024 * 1024;
/** Rounds of the search, as in go-witness. */
export const roundsMax = 3;

export interface Candidate {
	entry: Indexed;
	/** What the search matched it by. */
	subject: string;
	digest: string;
}

/** Ours, beside the collections: never one themselves. */
const ownPredicateTypes: ReadonlySet<string> = new Set([
	vsaPredicateType,
	runtimeTracePredicateType,
	indexPredicateType,
]);

export function indexEnvelopes(envelopes: readonly NamedEnvelope[]): EnvelopeIndex {
	const byName = new Map<string, Map<string, Posting[]>>();
	const others = new Map<number, string>();
	const names = new Map<number, string>();
	const broken: string[] = [];
	const verdicts: Verdict[] = [];
	let keptBytes = 0;
	for (const [index, envelope] of envelopes.entries()) {
		const opened = openEnvelope(envelope);
		const said = opened.kind === 'collection' ? saidByCollection(opened.statement) : saidByOther(opened);
		if (said && said.verdict !== 'passed') verdicts.push({ envelope, said });
		if (opened.kind === 'broken') broken.push(`${envelope.name}: ${opened.reason}`);
		else if (opened.kind === 'other') others.set(index, opened.reason);
		else {
			const { statement } = opened;
			const types = new Set(statement.collection.attestations.map(({ ownType }) => ownType));
			names.set(index, statement.collection.name);
			const keep = keptBytes === 0 || keptBytes + opened.envelope.payload.length <= keptBytesMax;
			if (keep) keptBytes += opened.envelope.payload.length;
			post(byName, { index, envelope, types, opened: keep ? opened : null }, statement);
		}
	}
	return { byName, others, names, broken, verdicts };
}

function post(byName: Map<string, Map<string, Posting[]>>, entry: Indexed, statement: LoadedStatement): void {
	const { name } = statement.collection;
	const byDigest = byName.get(name) ?? new Map<string, Posting[]>();
	byName.set(name, byDigest);
	for (const { name: subject, digest: set } of statement.subjects) {
		for (const algorithm in set) {
			const digest = set[algorithm] as string;
			const postings = byDigest.get(digest);
			if (postings === undefined) byDigest.set(digest, [{ entry, subject }]);
			// Several subjects of one envelope may share a digest: the first names the match.
			else if (postings[postings.length - 1]?.entry !== entry) postings.push({ entry, subject });
		}
	}
}

/** Envelopes of a step that have one of the digests and all types; each once, in the order given. */
export function searchStep(
	index: EnvelopeIndex,
	step: string,
	types: readonly string[],
	digests: Iterable<string>,
): Candidate[] {
	const byDigest = index.byName.get(step);
	if (byDigest === undefined) return [];
	const found = new Map<number, Candidate>();
	for (const digest of digests)
		for (const { entry, subject } of byDigest.get(digest) ?? [])
			if (!found.has(entry.index) && types.every((type) => entry.types.has(type)))
				found.set(entry.index, { entry, subject, digest });
	return [...found.values()].sort((a, b) => a.entry.index - b.entry.index);
}

export interface OpenedCollection {
	kind: 'collection';
	envelope: Envelope;
	statement: LoadedStatement;
	/** What Go reads in another way than others, '' for nothing. */
	ambiguity: string;
}

export type Opened =
	| OpenedCollection
	/** `said`: of a verification summary of ours. */
	| { kind: 'other'; reason: string; said: Said | null }
	| { kind: 'broken'; reason: string };

export function openEnvelope({ bytes }: NamedEnvelope): Opened {
	const read = readGoEnvelope(bytes);
	if (read.kind === 'sigstore-bundle')
		return { kind: 'other', reason: 'a Sigstore bundle, which Witness does not read', said: null };
	if (read.kind === 'invalid') return { kind: 'broken', reason: `not a DSSE envelope: ${read.reason}` };
	const { envelope } = read;
	const loaded = loadStatement(envelope.payload);
	if (loaded.kind === 'invalid') {
		if (ownPredicateTypes.has(loaded.predicateType)) return other(envelope, loaded.predicateType);
		return { kind: 'broken', reason: loaded.reason };
	}
	const { statement } = loaded;
	if (ownPredicateTypes.has(statement.predicateType) && statement.collection.attestations.length === 0)
		return other(envelope, statement.predicateType);
	return {
		kind: 'collection',
		envelope,
		statement,
		ambiguity: read.ambiguity || statement.ambiguity,
	};
}

const other = (envelope: Envelope, predicateType: string): Opened => ({
	kind: 'other',
	reason: `${predicateType} is a statement of Affidavit's own, no collection`,
	said: predicateType === vsaPredicateType ? saidBySummary(envelope) : null,
});

const saidByOther = (opened: Opened): Said | null => (opened.kind === 'other' ? opened.said : null);
