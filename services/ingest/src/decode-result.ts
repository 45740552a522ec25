// What a decoder makes of one export line or one GetEventsResponse.
import type { ProcessInfo, TraceEvent } from '@affidavit/model/trace-event.ts';

/** Closed list; docs/errors.md explains each. */
export type DecodeErrorCode =
	| 'not-json'
	| 'not-protobuf'
	| 'unknown-event'
	| 'missing-field'
	| 'wrong-type'
	| 'out-of-range'
	| 'too-long';

export type DecodeResult =
	| {
			kind: 'event';
			/** Node name that the event carries. */
			host: string;
			event: TraceEvent;
			/** Full description of the process; the same object for an exec_id that the decoder knows already. */
			process: ProcessInfo;
			/** The parent where the event carries one, else null. */
			parent: ProcessInfo | null;
	  }
	| { kind: 'error'; code: DecodeErrorCode; message: string };

/** Stateful only as a cache (bounded): what it returns depends on the bytes alone. Never throws. */
export interface Decoder {
	decode(bytes: Uint8Array): DecodeResult;
}
