// Leads as outputs: each is kept until its session closes, to be confirmed or withdrawn.
import { findingCodec } from '@affidavit/model/codec.ts';
import type { Finding } from '@affidavit/model/generated/verdict.ts';
import type { LiveSession } from './core/live-sessions.ts';
import { leadCell, type SessionState } from './core/session-state.ts';
import type { Draft, Worker } from './worker-state.ts';

/** Those that waited for the manifest, when it has come. */
export function emitArrived(worker: Worker, draft: Draft, state: SessionState, one: LiveSession): void {
	if (one.arrived === null) return;
	emitLeads(worker, draft, state, one.finder.resolve(one.arrived.manifest));
	one.arrived = null;
}

export function emitLeads(worker: Worker, draft: Draft, state: SessionState, leads: readonly Finding[]): void {
	for (const lead of leads) {
		if (worker.leadsKept >= worker.limits.leadsTotal) {
			worker.deps.emit({
				name: 'lead_dropped',
				stage: 'detect',
				reason: 'partition-limit',
				intentional: true,
				message: 'The open sessions of a partition have more leads than the configured bound.',
				detail: { session: state.session, rule: lead.rule },
			});
			continue;
		}
		const bytes = findingCodec.encode(lead);
		worker.leadsKept++;
		state.leads.set(lead.id, bytes);
		draft.cells.set(leadCell(state.session, lead.id), bytes);
		draft.records.push({ topic: 'finding', key: state.session, value: bytes });
	}
}

/** Of a session that is over the leads need not be kept any more. */
export function forgetLeads(worker: Worker, draft: Draft, { session, leads }: SessionState): void {
	for (const id of leads.keys()) draft.cells.set(leadCell(session, id), null);
	worker.leadsKept -= leads.size;
}
