// What a stage needs from the world. The embedded log and store implement these; Kafka and Redis come behind the same ports.
// No type of a client library appears here.

export type Topic = 'trace' | 'session' | 'finding' | 'verdict' | 'attestation' | 'indicator' | 'deadletter';

/** Where an output came from: the input record, and its index among that record's outputs. Readers drop what they have seen. */
export interface Origin {
	/** Stage name; `ingest:HOST` for an agent. */
	stage: string;
	partition: number;
	/** Offset of the input record; for the ingest stage, the batch's sequence. */
	offset: number;
	index: number;
}

export interface OutRecord {
	topic: Topic;
	/** Records of one key keep their order: they go to one partition. */
	key: string;
	value: Uint8Array;
}

export interface LogRecord {
	topic: Topic;
	partition: number;
	/** Position in the partition, from 0, without holes in the embedded log. */
	offset: number;
	key: string;
	value: Uint8Array;
	origin: Origin | null;
}

/** A partitioned, durable, ordered log (Kafka's semantics). Appending is at least once; nothing else is assumed. */
export interface Log {
	readonly partitions: (topic: Topic) => number;
	/** Durable when the promise resolves. Rejects with StreamError('log-full') when the configured bound is reached. */
	append(records: readonly (OutRecord & { origin: Origin })[]): Promise<void>;
	/** Records from `offset` on, at most `maxRecords` and about `maxBytes`; empty at the end. */
	read(topic: Topic, partition: number, offset: number, max: { records: number; bytes: number }): Promise<LogRecord[]>;
	/** First and next offset: records in [start, end) can be read. */
	bounds(topic: Topic, partition: number): Promise<{ start: number; end: number }>;
	/**
	 * A lower bound of what a stage must read again if it loses its whole store (Kafka: the group's offset).
	 * Kept with the log, so that it outlives the store. `needed` is what a restart with its store intact reads again
	 * (`offset` when absent): a full log may be cut down to it, and no further.
	 */
	saveLowWater(stage: string, topic: Topic, partition: number, offset: number, needed?: number): Promise<void>;
	/** 0 when none was saved. */
	lowWater(stage: string, topic: Topic, partition: number): Promise<number>;
	/** Resolves when something was appended to the topic after this call, or when `signal` aborts. */
	waitForAppend(topic: Topic, signal: AbortSignal): Promise<void>;
	close(): Promise<void>;
}

/** Identity of a stage's state: one input partition of one stage. All keys of a commit lie in one scope (one Redis hash tag). */
export interface Scope {
	stage: string;
	partition: number;
}

export interface Commit {
	/** Compare-and-set: the stored input offset must be this, else the commit is refused and nothing changes. */
	expectedOffset: number;
	/** Next input offset after this commit. */
	nextOffset: number;
	/** Oldest input offset that a restart must read again to rebuild what is not in `cells`; at most `nextOffset`. */
	lowWaterOffset: number;
	/** State cells that changed; null removes one. */
	cells: ReadonlyMap<string, Uint8Array | null>;
	/** Values appended to named lists (a session's fact batches). */
	appends: readonly { list: string; value: Uint8Array }[];
	/** Lists that are no longer needed. */
	dropLists?: readonly string[];
	/** Outputs, to be published after the commit and kept until `published`. */
	outbox: readonly (OutRecord & { origin: Origin })[];
}

export type CommitResult = { kind: 'committed' } | { kind: 'fenced'; storedOffset: number };

export interface StoredState {
	/** Next input offset; 0 when nothing was ever committed. */
	offset: number;
	lowWaterOffset: number;
	cells: Map<string, Uint8Array>;
	/** Committed but perhaps not yet published, in commit order. */
	outbox: (OutRecord & { origin: Origin; id: number })[];
	/** True when the store has never seen this scope (or has lost it). */
	fresh: boolean;
}

/** The session store (Redis's role): state, fenced commits, outbox, append-only lists. */
export interface Store {
	load(scope: Scope): Promise<StoredState>;
	commit(scope: Scope, commit: Commit): Promise<CommitResult>;
	/**
	 * Forgets outbox entries up to and with `id`. Does nothing unless the stored input offset is `atOffset`: a zombie
	 * must not forget what its successor has yet to publish.
	 */
	published(scope: Scope, id: number, atOffset: number): Promise<void>;
	/** Last outbox id given out by the scope's commits; 0 when none. Each entry's id is the one before plus 1. */
	lastOutboxId(scope: Scope): Promise<number>;
	/** Values of a list in order of appending, read in bounded pages. */
	list(scope: Scope, list: string): AsyncIterable<Uint8Array>;
	close(): Promise<void>;
}

/** Content-addressed blobs (rule, indicator and manifest snapshots; full fact logs). */
export interface Blobs {
	/** Stores and returns the sha256 in hex; storing the same bytes again is no error. Durable when resolved. */
	put(bytes: Uint8Array): Promise<string>;
	/** Stores what the chunks hold, without having it in memory at once. */
	putStream(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<{ sha256: string; bytes: number }>;
	/** null when absent. The digest is checked: StreamError('blob-corrupt') when the bytes do not match it. */
	get(sha256: string): Promise<Uint8Array | null>;
	has(sha256: string): Promise<boolean>;
}
