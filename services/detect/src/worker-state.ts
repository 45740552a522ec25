// What a detect worker holds, and what one record of its input causes.
import type { DeadLetter } from '@affidavit/model/generated/deadletter.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { LogRecord, OutRecord } from '@affidavit/stream/ports.ts';
import type { ChainEnd } from './core/fact-source.ts';
import type { DetectLimits } from './core/limits.ts';
import type { LiveSessions } from './core/live-sessions.ts';
import type { SessionState } from './core/session-state.ts';
import type { Snapshots } from './core/snapshots.ts';

export interface Worker<Deps extends { emit: Emit } = { emit: Emit }> {
	deps: Deps;
	limits: DetectLimits;
	readFacts(session: string, expected?: ChainEnd): AsyncIterable<Uint8Array>;
	live: LiveSessions;
	snapshots: Snapshots;
	/** Open sessions, oldest first. */
	sessions: Map<string, SessionState>;
	/** Known by sightings only, oldest first: their chain has not begun. */
	sighted: Map<string, SessionState>;
	/** Closed ones, oldest first, with their ordinal. */
	closed: Map<string, number>;
	closedOrdinal: number;
	/** The store was lost since the worker was opened: leads may have left that this worker does not know of. */
	rebuilt: boolean;
	/** Leads of all open and sighted sessions. */
	leadsKept: number;
}

/** What one record causes; `cells` and `deadLetters` are the step's. */
export interface Draft {
	record: LogRecord;
	cells: Map<string, Uint8Array | null>;
	deadLetters: DeadLetter[];
	records: OutRecord[];
}
