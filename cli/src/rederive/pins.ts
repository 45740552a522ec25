// What a statement says it was judged against, and the snapshots themselves: each is loaded by its digest and checked against it.
import { isObject } from '@affidavit/attest/statement.ts';
import { createCatalogue } from '@affidavit/detect/catalogue/catalogue.ts';
import { DetectError } from '@affidavit/detect/core/errors.ts';
import { createIndicatorSet, type IndicatorSet } from '@affidavit/detect/core/indicator-set.ts';
import type { ManifestAnswer } from '@affidavit/detect/manifest/resolver.ts';
import { createRuleSet, type RuleOptions, type RuleSet } from '@affidavit/detect/rules/rule-set.ts';
import { isSha256 } from '@affidavit/model/digests.ts';
import type { Indicator } from '@affidavit/model/generated/indicator.ts';
import { type Manifest, manifestBytes } from '@affidavit/model/manifest.ts';
import { StreamError } from '@affidavit/stream/errors.ts';
import type { Blobs } from '@affidavit/stream/ports.ts';

/** Of a runtime-trace statement. */
export interface Pins {
	session: string;
	host: string;
	step: string;
	startedUs: number;
	revision: number;
	ruleSet: string;
	indicatorSet: string;
	/** Empty: none was resolved. */
	manifest: string;
	manifestNote: string;
	gaps: { cause: string; detail: string }[];
}

/** null when the payload is no runtime-trace statement of the session. */
export function pinsOf(payload: Uint8Array, session: string): Pins | null {
	let predicate: unknown;
	try {
		predicate = (JSON.parse(Buffer.from(payload).toString('utf8')) as { predicate?: unknown }).predicate;
	} catch {
		return null;
	}
	if (!isObject(predicate)) return null;
	const { session: about, judgedAgainst: against, verdict, gaps } = predicate;
	if (!isObject(about) || !isObject(against) || !isObject(verdict) || about['id'] !== session) return null;
	const text = (value: unknown): string => (typeof value === 'string' ? value : '');
	const { startedUs } = about;
	const { revision } = verdict;
	if (!Number.isSafeInteger(startedUs) || !Number.isSafeInteger(revision)) return null;
	return {
		session,
		host: text(about['host']),
		step: text(about['step']),
		startedUs: startedUs as number,
		revision: revision as number,
		ruleSet: text(against['ruleSet']),
		indicatorSet: text(against['indicatorSet']),
		manifest: text(against['manifest']),
		manifestNote: text(against['manifestNote']),
		gaps: (Array.isArray(gaps) ? gaps : [])
			.filter(isObject)
			.map((gap) => ({ cause: text(gap['cause']), detail: text(gap['detail']) })),
	};
}

export interface Snapshots {
	rules: RuleSet;
	indicators: IndicatorSet;
	manifest: ManifestAnswer;
}

export type LoadedSnapshots = { kind: 'loaded'; snapshots: Snapshots } | { kind: 'missing'; missing: string[] };

export async function loadSnapshots(pins: Pins, blobs: Pick<Blobs, 'get'>): Promise<LoadedSnapshots> {
	const missing: string[] = [];
	const load = async <T>(what: string, digest: string, make: (bytes: Uint8Array) => T | string): Promise<T | null> => {
		const found = await snapshot(what, digest, blobs, make);
		if (typeof found !== 'string') return found.made;
		missing.push(found);
		return null;
	};
	const rules = await load('rule set', pins.ruleSet, (bytes) => rulesFrom(bytes, pins.ruleSet));
	const indicators = await load('indicator set', pins.indicatorSet, (bytes) =>
		indicatorsFrom(bytes, pins.indicatorSet),
	);
	const manifest =
		pins.manifest === ''
			? null
			: await load('repository manifest', pins.manifest, (bytes) => manifestFrom(bytes, pins.manifest));
	if (rules === null || indicators === null || missing.length > 0) return { kind: 'missing', missing };
	// The note tells, too, that the manifest is the build's own word.
	const declared = pins.manifestNote.startsWith('declared:');
	const answer: ManifestAnswer = { manifest, note: pins.manifestNote, ...(declared ? { declared } : {}) };
	return { kind: 'loaded', snapshots: { rules, indicators, manifest: answer } };
}

/** What was made of the blob, or a sentence that says why nothing was. */
async function snapshot<T>(
	what: string,
	digest: string,
	blobs: Pick<Blobs, 'get'>,
	make: (bytes: Uint8Array) => T | string,
): Promise<{ made: T } | string> {
	if (!isSha256(digest)) return `${what}: the statement pins none`;
	let bytes: Uint8Array | null;
	try {
		bytes = await blobs.get(digest);
	} catch (error) {
		if (error instanceof StreamError && error.code === 'blob-corrupt') return `${what}: ${error.message}`;
		throw error;
	}
	if (bytes === null) return `${what}: no blob ${digest}`;
	const unusable = (why: string): string => `${what}: blob ${digest}: this version cannot use it: ${why}`;
	try {
		const made = make(bytes);
		return typeof made === 'string' ? unusable(made) : { made };
	} catch (error) {
		if (error instanceof DetectError) return unusable(error.message);
		throw error;
	}
}

/** undefined: not JSON. */
function jsonFrom(bytes: Uint8Array): unknown {
	try {
		return JSON.parse(Buffer.from(bytes).toString('utf8'));
	} catch {
		return undefined;
	}
}

const another = (digest: string): string => `it comes out with digest ${digest}`;

/** Files of the catalogue hold at most 500 tools, in order of their names. */
const toolsPerFile = 500;

function rulesFrom(bytes: Uint8Array, digest: string): RuleSet | string {
	const value = jsonFrom(bytes);
	if (
		!isObject(value) ||
		!Array.isArray(value['rules']) ||
		!Array.isArray(value['catalogue']) ||
		!isObject(value['options'])
	)
		return 'expected rules, catalogue and options';
	const files = new Map<string, unknown>();
	for (const rule of value['rules'] as unknown[]) if (isObject(rule)) files.set(`${String(rule['id'])}.yaml`, rule);
	const tools = value['catalogue'] as unknown[];
	const catalogue = new Map<string, unknown>();
	for (let at = 0; at < tools.length; at += toolsPerFile)
		catalogue.set(`${String(at).padStart(9, '0')}.yaml`, {
			description: 'Of the snapshot.',
			tools: tools.slice(at, at + toolsPerFile),
		});
	const rules = createRuleSet(files, createCatalogue(catalogue), value['options'] as unknown as RuleOptions);
	return rules.digest === digest ? rules : another(rules.digest);
}

function indicatorsFrom(bytes: Uint8Array, digest: string): IndicatorSet | string {
	const value = jsonFrom(bytes);
	if (!Array.isArray(value) || !value.every(isObject)) return 'expected a list of indicators';
	const indicators = createIndicatorSet(value as unknown as Indicator[]);
	return indicators.digest === digest ? indicators : another(indicators.digest);
}

function manifestFrom(bytes: Uint8Array, digest: string): Manifest | string {
	const value = jsonFrom(bytes);
	if (!isObject(value) || !isObject(value['files']) || !isObject(value['unresolved']))
		return 'expected files and unresolved';
	const manifest = value as unknown as Manifest;
	const found = manifestBytes(manifest).digest;
	return found === digest ? manifest : another(found);
}
