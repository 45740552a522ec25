// A host that says nothing (design 6, ticks). Ticks count how long the log was alive and the host was not; they move no time,
// so that what a host has spooled is as timely when it comes back as it would have been.
import type { UnpackedBatch } from '@affidavit/model/trace-event.ts';
import { close } from './closing.ts';
import { gather } from './collector.ts';
import { addKnownGap } from './gaps.ts';
import type { Step } from './host.ts';
import { notice } from './notices.ts';
import { releaseUpTo } from './release.ts';
import { rootsExitedUs } from './session.ts';

export interface Silence {
	/** Log time of the host's newest record or tick (the batch's own where the log has no clock), microseconds; -1 before. */
	atUs: number;
	/** How long ticks say that the host has been silent, microseconds; 0 after each record of its own. */
	quietUs: number;
	/** The lead of this silence has left. */
	told: boolean;
}

export const createSilence = (): Silence => ({ atUs: -1, quietUs: 0, told: false });

/** What one tick adds at most: while no ticks came, nobody could hear the host either. */
const tickGapUs = 60_000_000;

const timeOf = (batch: UnpackedBatch, loggedUs: number): number => (loggedUs >= 0 ? loggedUs : batch.observedUs);

/** The host spoke: of the silence nothing is left. */
export function endSilence(step: Step, batch: UnpackedBatch, loggedUs: number): void {
	const { silence } = step.host;
	silence.atUs = Math.max(silence.atUs, timeOf(batch, loggedUs));
	silence.quietUs = 0;
	silence.told = false;
}

/** Once a silence is long enough its sessions are told so; when it is too long they close. */
export function takeTick(step: Step, batch: UnpackedBatch, loggedUs: number): void {
	const { host, settings, collector } = step;
	const { silence } = host;
	const atUs = timeOf(batch, loggedUs);
	if (silence.atUs !== -1) silence.quietUs += Math.min(Math.max(atUs - silence.atUs, 0), tickGapUs);
	silence.atUs = Math.max(silence.atUs, atUs);
	// A recorded file has no heartbeat that could stop.
	if (host.recorded || host.observedUs === -1) return;
	if (silence.quietUs >= settings.limits.silentCloseUs) {
		closeSilent(step);
		return;
	}
	if (silence.told || silence.quietUs < settings.limits.silentUs || host.sessions.size === 0) return;
	silence.told = true;
	notice(step.notices, 'hosts_silent', 'no-record', false);
	for (const session of host.sessions.values()) {
		const { facts } = gather(collector, session);
		const gap = { cause: 'sensor-silent', detail: '', fromUs: host.observedUs, count: -1 };
		facts.silences = [{ ...gap, toUs: host.observedUs + silence.quietUs }];
	}
}

/** The host has been silent for too long: what it may still say of its sessions is not waited for, and each says so. */
function closeSilent(step: Step): void {
	const { host, settings } = step;
	releaseUpTo(step, host.reorder.newestUs);
	if (host.sessions.size === 0) return;
	notice(step.notices, 'sessions_closed_silent', 'no-record', false, host.sessions.size);
	const fromUs = host.observedUs;
	// How long is configuration, not when the ticks came: the statement is the same however they did.
	const toUs = fromUs + settings.limits.silentCloseUs;
	addKnownGap(host.gaps, { cause: 'sensor-silent', detail: '', fromUs, toUs, count: -1 }, settings.limits.gaps);
	for (const session of [...host.sessions.values()])
		close(step, session, rootsExitedUs(session) === -1 ? 'idle' : 'exited', Number.POSITIVE_INFINITY, fromUs);
	host.nextCloseUs = Number.POSITIVE_INFINITY;
}
