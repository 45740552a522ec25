// One build session as the correlator keeps it while it is open.
import type { ProcessChain } from './process-tree.ts';

export interface Interval {
	fromUs: number;
	toUs: number;
	count: number;
}

export interface Session {
	id: string;
	host: string;
	boot: string;
	matcher: string;
	jobKey: string;
	jobKeyParts: string[];
	ciRunId: string;
	repository: string;
	commit: string;
	rootExecId: string;
	workspace: string;
	/** Container of the first root: the workspace is a path in its mount namespace. */
	container: string;
	startUs: number;
	/** False for a recorded file: it closes at the end of input or at its maximum only. */
	live: boolean;
	/** exec_id of the first root's parent: roots that join share it. */
	siblingParent: string;
	roots: ProcessChain[];
	/** Number of sessions that the host had opened when this one was, itself included: its short name on the host. */
	epoch: number;

	/** Next number in the fact chain, and the digest of the batch before. */
	sequence: number;
	head: Uint8Array;
	/** Watermark of the newest batch: it never falls. */
	watermarkUs: number;

	/** Time of the newest event of its own processes. */
	lastEventUs: number;
	events: number;
	copies: number;
	orphans: number;
	withoutDigest: number;
	facts: number;
	/** Facts dropped beyond the limit. */
	overflow: Interval | null;
	late: Interval | null;
	/** Contents of its workspace whose history had to go. */
	evicted: Interval | null;

	/** A write in the workspace was reported, by whomever. */
	writeSeen: boolean;
	/** Files of the workspace that have content though no write on them was reported: opened write-only, or for both. */
	silentWriteOnly: number;
	silentReadWrite: number;
	closed: boolean;
}

/** Files opened for both that must have silent content before the workspace counts as unwatched (shared mappings write silently too). */
const silentReadWriteMin = 3;

/** False when it is certain enough that the policies report no write in the workspace. */
export const isWatched = (session: Session, hooks: ReadonlySet<string>): boolean =>
	session.writeSeen ||
	!hooks.has('security_file_permission') ||
	(session.silentWriteOnly === 0 && session.silentReadWrite < silentReadWriteMin);

/** Time of the last exit when all roots have exited, else -1. */
export function rootsExitedUs(session: Session): number {
	let lastUs = -1;
	for (const root of session.roots) {
		if (root.exitedUs === -1) return -1;
		if (root.exitedUs > lastUs) lastUs = root.exitedUs;
	}
	return lastUs;
}

export function widen(interval: Interval | null, timeUs: number, count = 1): Interval {
	if (interval === null) return { fromUs: timeUs, toUs: timeUs, count };
	if (timeUs < interval.fromUs) interval.fromUs = timeUs;
	if (timeUs > interval.toUs) interval.toUs = timeUs;
	interval.count += count;
	return interval;
}
