// Leads must not wait for the skew: looks at a live host's events in the order in which they came, and tells detect at once what
// may be a lead. A sighting is no fact: the chain, the statements and the verdicts do not know of it.
import { emptyFacts, encodeSighting, sightingWithdrawn } from '@affidavit/model/facts.ts';
import type { UnpackedBatch } from '@affidavit/model/trace-event.ts';
import { giveUpChecks, type Looking, lookAt, sightEvent, sightJoin, takeChecks } from './arrival-facts.ts';
import { type OnJoin, sightProcess } from './arrival-place.ts';
import {
	type Announced,
	type Arrivals,
	addAnnounced,
	createArrivals,
	dropSession,
	endAnnouncement,
	followSessions,
	type SightedProcess,
	sweep,
} from './arrival-state.ts';
import type { SessionOutput } from './collector.ts';
import type { Step } from './host.ts';
import { notice } from './notices.ts';
import { isAhead } from './release.ts';
import type { Item } from './reorder.ts';

/** A batch of topic `session` that is no link of a chain. */
export interface Sighting {
	/** Session id. */
	session: string;
	bytes: Uint8Array;
}

/** What was known before the present batch; after a restart it is made of what waits, and nothing is told again. */
export function arrivalsOf(step: Step): Arrivals {
	const { host } = step;
	const { reorder } = host;
	if (host.arrivals?.reorder === reorder) return host.arrivals;
	const arrivals = createArrivals(reorder);
	host.arrivals = arrivals;
	followSessions(arrivals, host);
	for (const [id, announced] of host.announced) addAnnounced(arrivals, id, announced, null);
	arrivals.rebuilding = true;
	const looking = lookAt(step, arrivals);
	const onJoin = joining(looking);
	for (let i = reorder.head; i < reorder.items.length; i++) {
		const item = reorder.items[i] as Item;
		if (item.event.execId === '') continue;
		const who = sightProcess(step, arrivals, item, onJoin);
		takeChecks(looking, who);
		sightEvent(looking, who, item.event);
	}
	giveUpChecks(looking);
	for (const session of looking.telling) session.gathering = null;
	arrivals.rebuilding = false;
	return arrivals;
}

/** Looks at the events of an accepted batch that wait for the watermark. */
export function sightArrivals(
	step: Step,
	arrivals: Arrivals,
	batch: UnpackedBatch,
	items: readonly Item[],
): Sighting[] {
	const { host, settings, notices } = step;
	followSessions(arrivals, host);
	sweep(arrivals, host.reorder.watermarkUs);
	const looking = lookAt(step, arrivals);
	const onJoin = joining(looking);
	// Of each process of the batch, once it was looked up.
	const known: (SightedProcess | undefined)[] = new Array(batch.processes.length);
	const { watermarkUs } = looking;
	for (let i = 0; i < items.length; i++) {
		const item = items[i] as Item;
		const { event } = item;
		if (event.timeUs <= watermarkUs || event.execId === '' || isAhead(batch, event.timeUs, settings.limits.absurdUs))
			continue;
		const actor = batch.actors[i] as number;
		let who = known[actor];
		if (who === undefined) {
			who = sightProcess(step, arrivals, item, onJoin);
			known[actor] = who;
			if (looking.checks.size > 0) takeChecks(looking, who);
		} else if (event.timeUs > who.lastUs) who.lastUs = event.timeUs;
		sightEvent(looking, who, event);
	}
	giveUpChecks(looking);
	if (looking.untold > 0) notice(notices, 'sightings_dropped', 'limit', true, looking.untold);
	return told(looking);
}

const joining =
	(looking: Looking): OnJoin =>
	(session, process) =>
		sightJoin(looking, session, process);

function told({ telling, watermarkUs }: Looking): Sighting[] {
	return telling.map((session) => {
		const { facts } = session.gathering as NonNullable<typeof session.gathering>;
		session.gathering = null;
		session.opened = null;
		return { session: session.id, bytes: encodeSighting(session.id, watermarkUs, facts) };
	});
}

/**
 * Takes back the sessions that were announced and that settlement did not open: another root came before theirs.
 * `all`: nothing waits any more of what they were announced by. `outputs`: of this step, so that none is missed that has closed.
 */
export function withdrawUnopened(
	step: Step,
	announced: Map<string, Announced>,
	all: boolean,
	outputs: readonly SessionOutput[],
): Sighting[] {
	const { host, notices } = step;
	const withdrawn: Sighting[] = [];
	if (announced.size === 0) return withdrawn;
	const { watermarkUs } = host.reorder;
	const settled = new Set<string>();
	for (const { session } of outputs) settled.add(session.id);
	for (const [id, one] of announced) {
		const opened = host.sessions.has(id) || settled.has(id);
		if (!opened && !all && one.timeUs > watermarkUs) continue;
		announced.delete(id);
		if (host.arrivals !== null) endAnnouncement(host.arrivals, one);
		if (opened) continue;
		const session = host.arrivals?.sessions.get(id);
		if (host.arrivals !== null && session !== undefined) dropSession(host.arrivals, session);
		notice(notices, 'sightings_withdrawn', 'not-opened', true);
		const facts = emptyFacts();
		facts.notes.push({ cause: sightingWithdrawn, execId: '', detail: '', timeUs: one.timeUs, count: 1 });
		withdrawn.push({ session: id, bytes: encodeSighting(id, watermarkUs, facts) });
	}
	return withdrawn;
}
