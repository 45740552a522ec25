// What a verdict was judged against, and how today's differs. The snapshots of then are blobs; one that is gone is said to be.

import { isObject } from '@affidavit/attest/statement.ts';
import type { IndicatorSet } from '@affidavit/detect/core/indicator-set.ts';
import type { RuleSet } from '@affidavit/detect/rules/rule-set.ts';
import { StreamError } from '@affidavit/stream/errors.ts';
import type { Blobs } from '@affidavit/stream/ports.ts';
import type { VerdictThen } from './then.ts';

export type RulesChange =
	| { state: 'same' }
	/** Ids; `options`: the options or the tool catalogue changed. */
	| { state: 'changed'; added: string[]; removed: string[]; changed: string[]; options: boolean }
	/** The snapshot of then is not there. */
	| { state: 'changed-unknown' };

export type IndicatorsChange =
	| { state: 'same' }
	| { state: 'changed'; added: number; removed: number; changed: number }
	| { state: 'changed-unknown' };

export type ManifestChange = 'same' | 'changed' | 'resolved-now' | 'unresolved-now' | 'unresolved';

export interface JudgedAgainst {
	rules: RulesChange;
	indicators: IndicatorsChange;
	manifest: ManifestChange;
}

export interface SnapshotComparer {
	compare(then: VerdictThen, manifestNow: string): Promise<JudgedAgainst>;
}

/** Snapshots of then whose comparison is remembered; a fleet changes its rules now and then. */
const rememberedMax = 256;

export function createSnapshotComparer(
	rules: Pick<RuleSet, 'digest' | 'bytes'>,
	indicators: Pick<IndicatorSet, 'digest' | 'bytes'>,
	blobs: Pick<Blobs, 'get'>,
): SnapshotComparer {
	/** null: not there, or damaged. */
	const snapshot = async (digest: string): Promise<Uint8Array | null> => {
		try {
			return await blobs.get(digest);
		} catch (error) {
			if (error instanceof StreamError && error.code === 'blob-corrupt') return null;
			throw error;
		}
	};
	const rulesOf = remembered(async (digest): Promise<RulesChange> => {
		if (digest === rules.digest) return { state: 'same' };
		const then = await snapshot(digest);
		return then === null ? { state: 'changed-unknown' } : rulesChange(then, rules.bytes);
	});
	const indicatorsOf = remembered(async (digest): Promise<IndicatorsChange> => {
		if (digest === indicators.digest) return { state: 'same' };
		const then = await snapshot(digest);
		return then === null ? { state: 'changed-unknown' } : indicatorsChange(then, indicators.bytes);
	});
	return {
		compare: async (then, manifestNow) => ({
			rules: await rulesOf(then.ruleSet),
			indicators: await indicatorsOf(then.indicatorSet),
			manifest: manifestChange(then.manifest, manifestNow),
		}),
	};
}

function remembered<T>(compute: (digest: string) => Promise<T>): (digest: string) => Promise<T> {
	const known = new Map<string, T>();
	return async (digest) => {
		let answer = known.get(digest);
		if (answer === undefined) {
			answer = await compute(digest);
			if (known.size >= rememberedMax) known.clear();
			known.set(digest, answer);
		}
		return answer;
	};
}

export function manifestChange(then: string, now: string): ManifestChange {
	if (then === now) return then === '' ? 'unresolved' : 'same';
	if (then === '') return 'resolved-now';
	return now === '' ? 'unresolved-now' : 'changed';
}

export function rulesChange(then: Uint8Array, now: Uint8Array): RulesChange {
	const before = rulesById(then);
	const after = rulesById(now);
	if (before === null || after === null) return { state: 'changed-unknown' };
	return { state: 'changed', ...changes(before.rules, after.rules), options: before.rest !== after.rest };
}

export function indicatorsChange(then: Uint8Array, now: Uint8Array): IndicatorsChange {
	const before = indicatorsByValue(then);
	const after = indicatorsByValue(now);
	if (before === null || after === null) return { state: 'changed-unknown' };
	const { added, removed, changed } = changes(before, after);
	return { state: 'changed', added: added.length, removed: removed.length, changed: changed.length };
}

function changes(
	before: ReadonlyMap<string, string>,
	after: ReadonlyMap<string, string>,
): { added: string[]; removed: string[]; changed: string[] } {
	return {
		added: [...after.keys()].filter((id) => !before.has(id)),
		removed: [...before.keys()].filter((id) => !after.has(id)),
		changed: [...after].filter(([id, text]) => before.has(id) && before.get(id) !== text).map(([id]) => id),
	};
}

const parsed = (bytes: Uint8Array): unknown => {
	try {
		return JSON.parse(Buffer.from(bytes).toString('utf8'));
	} catch {
		return null;
	}
};

/** Each rule's canonical text by its id, and that of all else. */
function rulesById(bytes: Uint8Array): { rules: Map<string, string>; rest: string } | null {
	const value = parsed(bytes);
	if (!isObject(value) || !Array.isArray(value['rules'])) return null;
	const rules = new Map<string, string>();
	for (const rule of value['rules'] as unknown[])
		if (isObject(rule)) rules.set(String(rule['id']), JSON.stringify(rule));
	return { rules, rest: JSON.stringify({ ...value, rules: [] }) };
}

function indicatorsByValue(bytes: Uint8Array): Map<string, string> | null {
	const value = parsed(bytes);
	if (!Array.isArray(value)) return null;
	const entries = new Map<string, string>();
	for (const entry of value as unknown[])
		if (isObject(entry)) entries.set(`${String(entry['kind'])} ${String(entry['value'])}`, JSON.stringify(entry));
	return entries;
}
