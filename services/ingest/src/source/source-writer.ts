// What a source needs of the stream's source writer: its checkpoint, and an atomic commit of checkpoint and outputs.
import type { SourceWriter } from '@affidavit/stream/runner/source.ts';

export type CheckpointWriter = Pick<SourceWriter, 'cells' | 'commit'>;
