// When a session ends, and what is said then: its products, its gaps, its counts.
import type { CloseReason, ProductFact } from '@affidavit/model/generated/session.ts';
import { addGap, cut, gather } from './collector.ts';
import { type Content, splitName } from './content.ts';
import { inWorkspace } from './file-report.ts';
import { type Gap, overlapping } from './gaps.ts';
import { hooksAt, type Step } from './host.ts';
import { type Interval, isWatched, rootsExitedUs, type Session } from './session.ts';
import { versionSince } from './writing-runs.ts';

/** Products in one batch. */
const productsMax = 2048;

/** Closes every session whose time has come before `nowUs` (event time). */
export function closeDue(step: Step, nowUs: number): void {
	const { host } = step;
	let next = Number.POSITIVE_INFINITY;
	for (const session of [...host.sessions.values()]) {
		const due = dueUs(step, session);
		if (nowUs > due.timeUs) close(step, session, due.reason, due.timeUs);
		else next = Math.min(next, due.timeUs);
	}
	host.nextCloseUs = next;
}

function dueUs(step: Step, session: Session): { timeUs: number; reason: CloseReason } {
	const { limits } = step.settings;
	const maximum = { timeUs: session.startUs + limits.sessionUs, reason: 'maximum' as const };
	if (!session.live) return maximum;
	const exited = rootsExitedUs(session);
	const end =
		exited === -1
			? { timeUs: session.lastEventUs + limits.idleUs, reason: 'idle' as const }
			: { timeUs: exited + limits.graceUs, reason: 'exited' as const };
	return end.timeUs < maximum.timeUs ? end : maximum;
}

export function closeAll(step: Step, reason: CloseReason): void {
	for (const session of [...step.host.sessions.values()]) close(step, session, reason, Number.POSITIVE_INFINITY);
	step.host.nextCloseUs = Number.POSITIVE_INFINITY;
}

/** `dueUs`: the event time up to which everything was applied. Gaps count up to `gapsUs`, and at least to the session's end. */
export function close(step: Step, session: Session, reason: CloseReason, dueUs: number, gapsUs = -1): void {
	const { host, collector } = step;
	const rootsUs = rootsExitedUs(session);
	const endUs = Math.max(session.lastEventUs, rootsUs);
	const products = productsOf(step, session);
	for (let i = 0; i + productsMax < products.length; i += productsMax) {
		gather(collector, session).facts.products.push(...products.slice(i, i + productsMax));
		cut(collector, session, endUs);
	}
	const { facts } = gather(collector, session);
	facts.products.push(...products.slice(Math.floor(Math.max(products.length - 1, 0) / productsMax) * productsMax));
	for (const gap of gapsOf(step, session, reason, Math.max(endUs, gapsUs))) addGap(collector, session, gap);
	const hooks = hooksAt(host, dueUs);
	facts.closed = {
		timeUs: rootsUs === -1 ? session.lastEventUs : rootsUs,
		reason,
		events: session.events,
		orphanProcesses: session.orphans,
		filesWithoutDigest: session.withoutDigest,
		copies: session.copies,
		lossCounters: host.gaps.unknown.some((i) => i.fromUs <= endUs && i.toUs >= session.startUs) ? 'unknown' : 'known',
		workspaceWatched: isWatched(session, hooks),
		hooks: [...hooks].sort(),
	};
	session.closed = true;
	host.sessions.delete(session.id);
	host.closedSessions.add(session.id);
	cut(collector, session, endUs);
	for (const content of host.contents.all) unmark(content, session.epoch);
}

/** In memory only: a stored mark of a closed session is dropped when it is read back. */
function unmark(content: Content, session: number): void {
	if (content.marks.length === 0) return;
	const at = content.marks.findIndex((mark) => mark.session === session);
	if (at !== -1) content.marks.splice(at, 1);
}

function gapsOf(step: Step, session: Session, reason: CloseReason, endUs: number): Gap[] {
	const { host } = step;
	const gaps = overlapping(host.gaps, session.startUs, endUs);
	if (host.gaps.throttledUs !== -1 && host.gaps.throttledUs <= endUs)
		gaps.push({ cause: 'throttle', detail: 'not ended', fromUs: host.gaps.throttledUs, toUs: endUs, count: -1 });
	for (const hole of host.chain.holes)
		if (hole.fromUs <= endUs && hole.toUs >= session.startUs)
			gaps.push({
				cause: 'chain-gap',
				detail: `${hole.to - hole.from + 1} batches`,
				fromUs: hole.fromUs,
				toUs: hole.toUs,
				count: -1,
			});
	own(gaps, 'late', '', session.late);
	own(gaps, 'state-evicted', 'written files', session.evicted);
	own(gaps, 'session-limit', 'file facts', session.overflow);
	if (rootsExitedUs(session) === -1 && (reason === 'end_of_input' || reason === 'idle'))
		gaps.push({ cause: 'disconnected', detail: 'no exit of a root was seen', fromUs: endUs, toUs: endUs, count: -1 });
	if (reason === 'maximum')
		gaps.push({ cause: 'session-limit', detail: 'longest session', fromUs: endUs, toUs: endUs, count: -1 });
	return gaps.sort(compareGaps);
}

function own(gaps: Gap[], cause: string, detail: string, interval: Interval | null): void {
	if (interval !== null) gaps.push({ cause, detail, ...interval });
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const compareGaps = (a: Gap, b: Gap): number =>
	a.fromUs - b.fromUs ||
	a.toUs - b.toUs ||
	compareText(a.cause, b.cause) ||
	compareText(a.detail, b.detail) ||
	a.count - b.count;

/** Files of the workspace that the session wrote and that exist, by path. A repository's own records are no products. */
function productsOf(step: Step, session: Session): ProductFact[] {
	const products: ProductFact[] = [];
	const sinceUs = session.startUs - step.settings.limits.horizonUs;
	for (const content of step.host.contents.all) {
		const mark = content.marks.find((one) => one.session === session.epoch);
		if (mark === undefined || !mark.wrote) continue;
		for (const name of content.names) {
			const { container, path } = splitName(name);
			if (!inWorkspace(session, container, path) || path.includes('/.git/')) continue;
			products.push({
				path,
				dev: content.dev,
				ino: content.ino,
				version: versionSince(content, content.version, sinceUs),
				digest: content.digest,
				size: content.digestSize,
				assurance: content.digest === '' ? 'none' : step.host.assurance,
				writer: content.writer,
				timeUs: content.writtenUs,
			});
		}
	}
	return products.sort((a, b) => compareText(a.path, b.path));
}
