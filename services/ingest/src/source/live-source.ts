// What the agent needs of a source that goes on for ever: the export file's tail, a gRPC stream.
import type { Loss, SourceKind } from '@affidavit/model/generated/trace.ts';
import type { RawInput } from './dead-letter.ts';

export type LiveInput =
	| {
			kind: 'message';
			/** One line of the export, or one GetEventsResponse. */
			bytes: Uint8Array;
			/** Source and position, for a dead letter. */
			origin: string;
			/** True for what a finished file holds after its last newline. */
			unterminated: boolean;
	  }
	| { kind: 'oversize'; raw: RawInput; origin: string };

export interface LivePull {
	inputs: LiveInput[];
	/** Disconnections and gaps. A count of 0 means an unknown number. */
	losses: Loss[];
	/** True when all that there was has been handed out. */
	idle: boolean;
}

export interface LiveSource {
	readonly kind: SourceKind;
	/** True when what happens while nobody reads is kept (the export file), false when it is lost (gRPC). */
	readonly resumes: boolean;
	/** Waits at most `waitMs` when there is nothing; resolves at once when `signal` aborts. Bounded in what it hands out. */
	pull(waitMs: number, signal: AbortSignal): Promise<LivePull>;
	/** Bytes that wait to be pulled, as far as they can be seen. */
	lagBytes?(): Promise<number>;
	/** Covers all that was pulled; null when there is nothing to keep. */
	checkpoint(): Uint8Array | null;
	close(): Promise<void>;
}

/** Counters that the agent itself adds to the sensor's. */
export const disconnectedCounter = 'affidavit_source_disconnected';
export const exportGapCounter = 'affidavit_export_gap';
export const pausedCounter = 'affidavit_source_paused';
