// What a source needs of the stream's source writer (packages/stream, runner): its checkpoint, and an atomic commit of
// checkpoint and outputs. Kept this small so that the sources can be driven by anything that keeps the promise.
import type { OutRecord } from '@affidavit/stream/ports.ts';

export interface SourceWriter {
	/** Cells as committed last, when the source was opened. */
	readonly cells: ReadonlyMap<string, Uint8Array>;
	/** Checkpoint and outputs become durable together, or neither; waits while the log is full. */
	commit(commit: { cells: Map<string, Uint8Array | null>; records: OutRecord[] }): Promise<unknown>;
}
