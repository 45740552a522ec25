// What the correlator does not take, and why.
import type { TraceEvent } from '@affidavit/model/trace-event.ts';

/** Closed list; docs/errors.md explains each. */
export type TraceRefusalCode = 'not-a-batch' | 'batch-chain' | 'event-time';

/** A batch or an event that was refused. */
export interface Refusal {
	code: TraceRefusalCode;
	message: string;
	/** -1 for the whole batch. */
	event: TraceEvent | null;
	timeUs: number;
}
