// What was found then: the verdicts of topic `verdict`, as small as a comparison allows.
import { verdictCodec } from '@affidavit/model/codec.ts';
import type { Severity, Verdict } from '@affidavit/model/generated/verdict.ts';
import type { OffsetRange } from './overlay-log.ts';
import { type Past, readPast } from './past.ts';

/** A finding as a replay compares it. */
export interface FoundThen {
	id: string;
	rule: string;
	title: string;
	severity: Severity;
	path: string | null;
	digest: string | null;
}

export interface VerdictThen {
	revision: number;
	verdict: Verdict['verdict'];
	findings: FoundThen[];
	/** Digests of the snapshots. */
	ruleSet: string;
	indicatorSet: string;
	manifest: string;
	manifestNote: string;
	/** Its beginning was missing then, too. */
	cut: boolean;
	/** When the log took it. */
	loggedUs: number;
}

export interface Then {
	/** The newest revision; null when there is none, or more sessions than are kept. Each can be taken once. */
	take(session: string): VerdictThen | null;
	/** Those not taken. */
	left(): IterableIterator<[session: string, verdict: VerdictThen]>;
	/** Verdicts beyond the bound. */
	readonly dropped: number;
	/** Records that hold no verdict. */
	readonly undecodable: number;
}

/** A verdict takes some 500 bytes. */
export const verdictsMax = 200_000;

export async function readThen(
	past: Past,
	ranges: readonly OffsetRange[],
	signal: AbortSignal,
	max: number = verdictsMax,
): Promise<Then> {
	const verdicts = new Map<string, VerdictThen>();
	const digests = new Map<string, string>();
	let dropped = 0;
	let undecodable = 0;
	for (const [partition, { from, to }] of ranges.entries())
		for await (const { key, value, timestampUs } of readPast(past, 'verdict', partition, from, to, signal)) {
			const verdict = decode(key, value);
			if (verdict === null) {
				undecodable += 1;
				continue;
			}
			const known = verdicts.get(key);
			if (known !== undefined && known.revision >= verdict.revision) continue;
			if (known === undefined && verdicts.size >= max) dropped += 1;
			else verdicts.set(key, condensed(verdict, timestampUs, digests));
		}
	return {
		take: (session) => {
			const found = verdicts.get(session) ?? null;
			verdicts.delete(session);
			return found;
		},
		left: () => verdicts.entries(),
		dropped,
		undecodable,
	};
}

function decode(session: string, value: Uint8Array): Verdict | null {
	try {
		const verdict = verdictCodec.decode(value);
		return verdict.session === session ? verdict : null;
	} catch {
		return null;
	}
}

/** Many sessions were judged against few snapshots: their digests are kept once. */
function condensed(verdict: Verdict, loggedUs: number, digests: Map<string, string>): VerdictThen {
	const once = (digest: string): string => {
		const known = digests.get(digest);
		if (known !== undefined) return known;
		digests.set(digest, digest);
		return digest;
	};
	return {
		revision: verdict.revision,
		verdict: verdict.verdict,
		findings: verdict.findings.map(foundOf),
		ruleSet: once(verdict.ruleSet),
		indicatorSet: once(verdict.indicatorSet),
		manifest: once(verdict.manifest),
		manifestNote: once(verdict.manifestNote),
		cut: isCut(verdict),
		loggedUs,
	};
}

export const foundOf = ({ id, rule, title, severity, path, digest }: FoundThen): FoundThen => ({
	id,
	rule,
	title,
	severity,
	path,
	digest,
});

/** The correlator's words for a session of which it has not seen the beginning. */
const cutCauses: ReadonlySet<string> = new Set(['state-lost', 'chain-start-missing']);

export const isCut = ({ completeness }: Pick<Verdict, 'completeness'>): boolean =>
	completeness.gaps.some(({ cause }) => cutCauses.has(cause));
