// Everything the correlator keeps of one host.

import type { FileFact } from '@affidavit/model/facts.ts';
import type { Assurance } from '@affidavit/model/generated/session.ts';
import { importedAssurance } from '@affidavit/model/imported.ts';
import type { TraceEvent } from '@affidavit/model/trace-event.ts';
import type { Announced, Arrivals } from './arrival-state.ts';
import { type BatchChain, createBatchChain } from './batch-chain.ts';
import type { Collector } from './collector.ts';
import { type Contents, createContents } from './content.ts';
import { createDigestSizes, type DigestSizes } from './digest-sizes.ts';
import { createGaps, type Gaps } from './gaps.ts';
import type { Limits } from './limits.ts';
import type { Matcher } from './matcher.ts';
import { type Notices, notice } from './notices.ts';
import { createProcessTree, type ProcessNode, type ProcessTree } from './process-tree.ts';
import { createRecordTrail, type RecordTrail } from './record-trail.ts';
import { createReorder, type Reorder } from './reorder.ts';
import type { Session } from './session.ts';
import { createSilence, type Silence } from './silence.ts';
import { createSkew, type Skew } from './skew.ts';

/** An open or check that was kept, as long as a copy of it may follow. */
export interface Kept {
	timeUs: number;
	execId: string;
	hook: string;
	path: string;
	dev: number;
	ino: string;
	size: number;
	flags: number;
	digest: string;
	/** The fact that it became, and that fact's session ('' when none). */
	session: string;
	fact: FileFact | null;
	/** Set while it waits for the exec that it belongs to. */
	pending: PendingExec | null;
}

/** An exec-open or check of a file that is about to become a process image. */
export interface PendingExec {
	event: TraceEvent;
	otherSize: number;
	copies: number;
	kept: Kept | null;
}

/**
 * How a process that no ancestor brings into a session may get into one besides matchers (containers, cgroups, pods, daemons
 * that work for a session): names the open session, or null. Must depend on its arguments alone.
 */
export type Adoption = (node: ProcessNode, open: ReadonlyMap<string, Session>) => Session | null;

/** Settings that are the same for every host. */
export interface Settings {
	limits: Limits;
	matchers: readonly Matcher[];
	/** Asked in order before the matchers. */
	adoptions: readonly Adoption[];
	/** Name of the step in attestations. */
	step: string;
}

export interface Host {
	name: string;
	/** The name as it is in the keys of the host's cells. */
	cellName: string;
	/** Boot id of the newest batch; '' before the first. */
	boot: string;
	/** True while the newest batches come from a recorded file. */
	recorded: boolean;
	/** kernel; declared while the batches come from an imported trace, whose events say for themselves how they got a digest. */
	assurance: Assurance;
	observedUs: number;
	/** Log time of its newest record, microseconds; -1 where the log has no clock. */
	loggedUs: number;
	silence: Silence;
	skew: Skew;
	/** Oldest event time ever accepted of this input; -1 before. */
	firstUs: number;
	chain: BatchChain;
	reorder: Reorder;
	tree: ProcessTree;
	contents: Contents;
	sizes: DigestSizes;
	sessions: Map<string, Session>;
	/** Sessions opened so far. */
	openings: number;
	/** Hooks of applied events. */
	hooks: Set<string>;
	/** Hooks that batches say are loaded, of which no event was applied: known from this event time on. */
	listedHooks: Map<string, number>;
	/** Hooks became known since the last snapshot. */
	hooksChanged: boolean;
	gaps: Gaps;
	kept: Kept[];
	pendingExecs: Map<number, PendingExec[]>;
	/** No session closes before this event time. */
	nextCloseUs: number;
	/** Sessions that are gone since the last snapshot. */
	closedSessions: Set<string>;
	/** Sessions that changed since the last snapshot. */
	dirtySessions: Set<Session>;
	/** Cells of a state that was given up, to be removed with the next snapshot. */
	dropped: string[];
	/** Which generation each stored piece of the digest table is of, by the piece's number. */
	sizePieces: Map<number, number>;
	/** Number of the newest piece. */
	sizePieceLast: number;
	/** Offset from which on records belong to the present input. */
	refillFrom: number;
	records: RecordTrail;
	/** What is known of events that are not settled yet; null while nothing was looked at. In memory only. */
	arrivals: Arrivals | null;
	/** Sessions that were sighted and have not opened yet, by id. */
	announced: Map<string, Announced>;
}

export function createHost(name: string): Host {
	return {
		name,
		cellName: encodeURIComponent(name.toWellFormed()),
		boot: '',
		recorded: false,
		assurance: 'kernel',
		observedUs: -1,
		loggedUs: -1,
		silence: createSilence(),
		skew: createSkew(),
		firstUs: -1,
		chain: createBatchChain(),
		reorder: createReorder(),
		tree: createProcessTree(),
		contents: createContents(),
		sizes: createDigestSizes(),
		sessions: new Map(),
		openings: 0,
		hooks: new Set(),
		listedHooks: new Map(),
		hooksChanged: false,
		gaps: createGaps(),
		kept: [],
		pendingExecs: new Map(),
		nextCloseUs: Number.POSITIVE_INFINITY,
		closedSessions: new Set(),
		dirtySessions: new Set(),
		dropped: [],
		sizePieces: new Map(),
		sizePieceLast: 0,
		refillFrom: 0,
		records: createRecordTrail(),
		arrivals: null,
		announced: new Map(),
	};
}

/** True while the batches come from an imported trace. */
export const isImported = (host: Host): boolean => host.assurance === 'declared';

/** How an event of this hook got its digest. */
export const assuranceOf = (host: Host, hook: string): Assurance =>
	isImported(host) ? importedAssurance(hook) : host.assurance;

/** Hooks remembered per host, and their length: more than any kernel has policies for. */
const hooksMax = 1024;
const hookLengthMax = 256;

/** A hook of an event that is applied. */
export function noteHook(step: Step, hook: string): void {
	const { hooks, listedHooks } = step.host;
	if (hooks.has(hook)) return;
	listedHooks.delete(hook);
	step.host.hooksChanged = true;
	if (hooks.size + listedHooks.size < hooksMax && hook.length <= hookLengthMax) hooks.add(hook);
	else notice(step.notices, 'hooks_forgotten', 'limit', false);
}

/**
 * A hook that a batch lists. An agent lists what it has seen: where the batch is cut must not decide which sessions know of it,
 * so it counts from the newest event on, and an event of its own that is applied before tells more exactly.
 */
export function listHook(step: Step, hook: string, fromUs: number): void {
	const { hooks, listedHooks } = step.host;
	if (hooks.has(hook) || listedHooks.has(hook)) return;
	step.host.hooksChanged = true;
	if (hooks.size + listedHooks.size < hooksMax && hook.length <= hookLengthMax) listedHooks.set(hook, fromUs);
	else notice(step.notices, 'hooks_forgotten', 'limit', false);
}

/** The hooks known at an event time, when everything before it was applied. */
export function hooksAt(host: Host, timeUs: number): ReadonlySet<string> {
	if (host.listedHooks.size === 0) return host.hooks;
	const known = new Set(host.hooks);
	for (const [hook, fromUs] of host.listedHooks) if (fromUs <= timeUs) known.add(hook);
	return known;
}

/** What one input record is applied with. */
export interface Step {
	settings: Settings;
	host: Host;
	collector: Collector;
	notices: Notices;
	/** True while an event is applied that came after the watermark had passed it. */
	late: boolean;
	/** True while the batch fills a hole of the chain: its events are late for a reason that is no loss. */
	recovered: boolean;
	/** Renames of folders that may still be followed in this record. */
	folderScans: number;
}
