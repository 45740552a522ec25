// What the correlator does not take, and why.
import type { TraceEvent } from '@affidavit/model/trace-event.ts';

/** A batch or an event that was refused. */
export interface Refusal {
	code: 'not-a-batch' | 'batch-chain' | 'event-time';
	message: string;
	/** -1 for the whole batch. */
	event: TraceEvent | null;
	timeUs: number;
}
