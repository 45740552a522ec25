// Rederiving: from what was signed to the same bytes again, or why not. Reads top down as the list of what must be there.
import type { TrustedKey } from '@affidavit/attest/dsse.ts';
import { runtimeTracePredicateType } from '@affidavit/attest/type-uris.ts';
import type { Matcher } from '@affidavit/correlate/core/matcher.ts';
import { verdictCodec } from '@affidavit/model/codec.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import { partitionOf } from '@affidavit/stream/partition.ts';
import type { Blobs } from '@affidavit/stream/ports.ts';
import type { Config } from '../config/schema.ts';
import { type Past, readPast } from '../replay/past.ts';
import { createTally } from '../replay/tally.ts';
import { type ComparedStatement, createComparison } from './compare.ts';
import { type Derived, deriveOnce, type RefusedRecord } from './derive.ts';
import { loadSnapshots, type Pins, pinsOf, type Snapshots } from './pins.ts';
import { type Reach, reachesOf } from './reach.ts';
import { findSigned, type SignedSession, signedPayload } from './signed.ts';

export interface RederiveRun {
	target: string;
	past: Past;
	config: Config;
	matchers: readonly Matcher[] | undefined;
	blobs: Pick<Blobs, 'get' | 'has'>;
	/** Empty: signatures are not checked, which is said. */
	publicKeys: readonly TrustedKey[];
	signal: AbortSignal;
	/** Offsets of the host's partition: read so far, and in all; begins anew when more is read. */
	progress: (done: number, total: number) => void;
}

export interface Rederived {
	outcome: 'equal' | 'differs' | 'cannot';
	/** Why not equal, a sentence each. */
	reasons: string[];
	session: string;
	revision: number;
	host: string | null;
	statements: ComparedStatement[];
	/** Signatures of the envelopes, by outcome. */
	signatures: Record<'verified' | 'bad-signature' | 'other-key' | 'not-checked', number>;
	/** Whether the fact chain is the one that the verdict of then names; unknown: its verdict is no more in the topic. */
	facts: 'same' | 'other' | 'unknown';
	/** What was read of the host's trace. */
	trace: { partition: number; from: number; to: number; records: number; refused: RefusedRecord[] } | null;
	/** Settings that are no part of what a verdict pins, as they were taken. */
	notPinned: Record<string, unknown>;
}

export async function rederive(run: RederiveRun): Promise<Rederived> {
	const { past, config, blobs, signal } = run;
	const signed = await findSigned(run.target, past, config.outDir, run.publicKeys, signal);
	const frame = frameOf(signed, run);
	const cannot = (...reasons: string[]): Rederived => ({ ...frame, outcome: 'cannot', reasons });
	const pins = await findPins(signed);
	if (pins === null)
		return cannot(
			`no envelope of a runtime-trace statement of session ${signed.session}, revision ${signed.revision}, in ${config.outDir}: it says what was judged against`,
		);
	frame.host = pins.host;
	const loaded = await loadSnapshots(pins, blobs);
	if (loaded.kind === 'missing') return cannot(...loaded.missing);
	if (past.log.partitions('trace') === 0) return cannot(`${past.name}: no topic trace`);

	const partition = partitionOf(pins.host, past.log.partitions('trace'));
	let last: Attempt | null = null;
	for (const reach of await reachesOf(past.log, partition, pins, config, signed.signedUs)) {
		last = await attempt(run, signed, pins, loaded.snapshots, partition, reach);
		// What comes out equal was read far enough back.
		if (isEqual(last.statements) || last.derived.kind === 'interrupted') break;
	}
	if (last === null) return cannot(`trace/${partition}: the topic is empty`);
	const then = await verdictThen(past, signed, signal);
	return judge(frame, signed, pins, last, then, partition);
}

interface Attempt {
	reach: Reach;
	derived: Derived;
	statements: ComparedStatement[];
}

async function attempt(
	run: RederiveRun,
	signed: SignedSession,
	pins: Pins,
	snapshots: Snapshots,
	partition: number,
	reach: Reach,
): Promise<Attempt> {
	const comparison = createComparison(signed.statements);
	const { from, to } = reach;
	const derived = await deriveOnce({
		past: run.past,
		config: run.config,
		matchers: run.matchers,
		pins,
		snapshots,
		blobs: run.blobs,
		partition,
		range: { from, to },
		tally: createTally(),
		signal: run.signal,
		progress: (offset) => run.progress(offset - from, to - from),
		each: comparison.each,
	});
	return { reach, derived, statements: derived.kind === 'derived' ? comparison.end() : [] };
}

const fine: ReadonlySet<ComparedStatement['result']> = new Set(['equal', 'digest-only', 'another']);

const isEqual = (statements: readonly ComparedStatement[]): boolean =>
	statements.length > 0 && statements.every(({ result }) => fine.has(result));

function frameOf(signed: SignedSession, { config, matchers }: RederiveRun): Rederived {
	const signatures = { verified: 0, 'bad-signature': 0, 'other-key': 0, 'not-checked': 0 };
	for (const { signature, path } of signed.statements) if (path !== null) signatures[signature] += 1;
	const { skewMsMax, graceMs, silentMs, silentCloseMs, sessionMaxMs, limits } = config;
	return {
		outcome: 'cannot',
		reasons: [],
		session: signed.session,
		revision: signed.revision,
		host: null,
		statements: [],
		signatures,
		facts: 'unknown',
		trace: null,
		notPinned: {
			matchers: matchers === undefined ? 'shipped' : config.matchers,
			skewMsMax,
			graceMs,
			silentMs,
			silentCloseMs,
			sessionMaxMs,
			sessionFactsMax: limits.sessionFactsMax,
			sessionsMax: limits.sessionsMax,
		},
	};
}

async function findPins({ session, statements }: SignedSession): Promise<Pins | null> {
	for (const statement of statements)
		if (statement.path !== null && statement.predicateType === runtimeTracePredicateType)
			return pinsOf(await signedPayload(statement), session);
	return null;
}

/** The verdict of topic `verdict`, where it is still there. */
async function verdictThen(
	past: Past,
	{ session, revision }: SignedSession,
	signal: AbortSignal,
): Promise<Verdict | null> {
	const count = past.log.partitions('verdict');
	if (count === 0) return null;
	const partition = partitionOf(session, count);
	const { start, end } = await past.log.bounds('verdict', partition);
	for await (const { key, value } of readPast(past, 'verdict', partition, start, end, signal)) {
		if (key !== session) continue;
		try {
			const verdict = verdictCodec.decode(value);
			if (verdict.session === session && verdict.revision === revision) return verdict;
		} catch {}
	}
	return null;
}

/** Gaps that a trace has which is not what it was. */
const traceCauses: ReadonlySet<string> = new Set(['bad-signature', 'chain-gap', 'chain-start-missing', 'state-lost']);

function judge(
	frame: Rederived,
	signed: SignedSession,
	pins: Pins,
	{ reach, derived, statements }: Attempt,
	then: Verdict | null,
	partition: number,
): Rederived {
	const { from, to } = reach;
	const { verdict, refused, records } = derived;
	const base: Rederived = {
		...frame,
		statements,
		facts: then === null || verdict === null ? 'unknown' : sameChain(then, verdict) ? 'same' : 'other',
		trace: { partition, from, to, records, refused },
	};
	if (derived.kind === 'interrupted') return { ...base, outcome: 'cannot', reasons: ['interrupted'] };
	const broken = signed.statements.filter(({ signature }) => signature === 'bad-signature');
	const forged = broken.map(({ path }) => `${path}: its signature does not match its payload`);
	if (isEqual(statements)) {
		if (forged.length > 0) return { ...base, outcome: 'differs', reasons: forged };
		if (frame.signatures['other-key'] > 0)
			return {
				...base,
				outcome: 'cannot',
				reasons: ['the payloads are equal, but none of the given keys has signed them: --public-key'],
			};
		return { ...base, outcome: 'equal' };
	}
	const missing = missingOf(pins, reach, derived, partition);
	if (missing.length > 0) return { ...base, outcome: 'cannot', reasons: [...missing, ...forged] };
	if (derived.kind !== 'derived')
		return {
			...base,
			outcome: 'cannot',
			reasons: [`${derived.reason}: the settings that are not pinned may be others than then`, ...forged],
		};
	return { ...base, outcome: 'differs', reasons: forged };
}

const sameChain = (a: Verdict, b: Verdict): boolean =>
	a.factBatches === b.factBatches && Buffer.compare(Buffer.from(a.factsHead), Buffer.from(b.factsHead)) === 0;

/** What of the trace is not as it was. */
function missingOf(pins: Pins, reach: Reach, derived: Derived, partition: number): string[] {
	const { records, refused, verdict, firstSequence, firstUs } = derived;
	const place = `trace/${partition}`;
	if (records === 0)
		return [`${place}: no record of host ${pins.host} from offset ${reach.from} on: retention has taken them`];
	const unknown = refused.find(({ code }) => code === 'unknown-key');
	if (unknown !== undefined && verdict === null)
		return [`host key unknown: ${unknown.message} (${unknown.origin}); enrol the key that it had then`];
	const missing: string[] = [];
	if (reach.isWhole && firstSequence > 0 && firstUs > pins.startedUs - reach.historyUs)
		missing.push(
			`${place} begins with batch ${firstSequence} of host ${pins.host}, within the session or its history: retention has taken what was before`,
		);
	const before = new Set(pins.gaps.map(({ cause, detail }) => `${cause} ${detail}`));
	const gaps = (verdict?.completeness.gaps ?? []).filter(
		({ cause, detail }) => traceCauses.has(cause) && !before.has(`${cause} ${detail}`),
	);
	for (const { cause, detail } of gaps)
		missing.push(`${place} is not what it was when this was signed: ${cause}${detail === '' ? '' : ` (${detail})`}`);
	if (missing.length > 0 || verdict === null)
		for (const { origin, code, message } of refused) missing.push(`${origin}: ${code}: ${message}`);
	return missing;
}
