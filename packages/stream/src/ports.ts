// What a stage needs from the world. The embedded log and store implement these; Kafka and Redis come behind the same ports.
// No type of a client library appears here.

export type Topic = 'trace' | 'session' | 'finding' | 'verdict' | 'attestation' | 'indicator' | 'host' | 'deadletter';

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

/** The writer's signature over a record's topic, key, origin and value (seal/seal.ts). */
export interface Seal {
	/** sha256 (hex) of the public key's SPKI PEM text. */
	keyId: string;
	signature: Uint8Array;
}

/** What travels beside a record: Kafka's headers. */
export interface Stamp {
	origin: Origin;
	seal?: Seal;
	/** W3C Trace Context of what caused the record. */
	traceparent?: string;
}

export type StampedRecord = OutRecord & Stamp;

export interface LogRecord {
	topic: Topic;
	partition: number;
	/** Position in the partition, from 0; rising, without holes in the embedded log only. */
	offset: number;
	key: string;
	value: Uint8Array;
	/** When the log took it, by the log's own clock (Kafka: LogAppendTime), microseconds since 1970; -1 when it does not say. */
	timestampUs: number;
	/** null: written by something that is no stage. A log whose only writer is this process keeps no seals. */
	origin: Origin | null;
	seal: Seal | null;
	traceparent: string | null;
}

/** A partitioned, durable, ordered log (Kafka's semantics). Appending is at least once; nothing else is assumed. */
export interface Log {
	readonly partitions: (topic: Topic) => number;
	/**
	 * Durable when the promise resolves. Rejects with StreamError('log-full') when the configured bound is reached, and with
	 * StreamError('unavailable') when a remote log did not take all of it within the configured time: some of it may be there.
	 */
	append(records: readonly StampedRecord[]): Promise<void>;
	/** Records from `offset` on, at most `max.records` and about `max.bytes`; empty at the end. Never waits for what is not there yet. */
	read(topic: Topic, partition: number, offset: number, max: { records: number; bytes: number }): Promise<LogRecord[]>;
	/** First and next offset: records in [start, end) can be read. */
	bounds(topic: Topic, partition: number): Promise<{ start: number; end: number }>;
	/**
	 * A lower bound of what a stage must read again if it loses its whole store (Kafka: the group's offset).
	 * Kept with the log, so that it outlives the store. `needed` is what a restart with its store intact reads again
	 * (`offset` when absent): a full log may be cut down to it, and no further.
	 */
	saveLowWater(stage: string, topic: Topic, partition: number, offset: number, needed?: number): Promise<void>;
	/** 0 when none was saved. A remote log may lag behind what was saved: it is a lower bound in any case. */
	lowWater(stage: string, topic: Topic, partition: number): Promise<number>;
	/** Resolves when the partition holds a record at `offset` or after it, or when `signal` aborts. */
	waitForRecord(topic: Topic, partition: number, offset: number, signal: AbortSignal): Promise<void>;
	/** Offset of the first record with a timestamp of `timeUs` or later; the partition's end when there is none. */
	offsetAt(topic: Topic, partition: number, timeUs: number): Promise<number>;
	close(): Promise<void>;
}

/** Shares a stage's input partitions out among those who work on it (Kafka: the consumer group). */
export interface Membership {
	/**
	 * Joins the stage's group. `onAssigned` is called with all partitions that are this member's now, each time that changes; empty
	 * while none is. It is a hint, not a lock: two members may believe the same for a while, and the store's fence decides.
	 */
	join(stage: string, topic: Topic, onAssigned: (partitions: readonly number[]) => void): Promise<Member>;
}

export interface Member {
	/** Gives the partitions back; call it when their runners have stopped. */
	leave(): Promise<void>;
}

/** Identity of a stage's state: one input partition of one stage. All keys of a commit lie in one scope (one Redis hash tag). */
export interface Scope {
	stage: string;
	partition: number;
}

export interface Commit {
	/** Compare-and-set: the scope's version must be this ('' for one that was never committed), else nothing changes. */
	expectedVersion: string;
	/** Next input offset after this commit. */
	nextOffset: number;
	/** Oldest input offset that a restart must read again to rebuild what is not in `cells`; at most `nextOffset`. */
	lowWaterOffset: number;
	/** State cells that changed; null removes one. */
	cells: ReadonlyMap<string, Uint8Array | null>;
	/** Values appended to named lists (a session's fact batches). */
	appends: readonly { list: string; value: Uint8Array }[];
	/** Lists that may be forgotten this long after the commit, milliseconds; 0: at once. */
	expireLists?: readonly { list: string; afterMs: number }[];
	/** Outputs, to be published after the commit and kept until `published`. */
	outbox: readonly (OutRecord & { origin: Origin })[];
}

/** `version`: the scope's after the commit. It changes with every commit and never comes back, not even after the store was lost or rolled back. */
export type CommitResult = { kind: 'committed'; version: string } | { kind: 'fenced'; storedOffset: number };

export interface StoredState {
	/** Next input offset; 0 when nothing was ever committed. */
	offset: number;
	/** What the next commit must expect; '' when nothing was ever committed. */
	version: string;
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
	 * Forgets outbox entries up to and with `id`. Does nothing unless the scope's version is `atVersion`: a zombie
	 * must not forget what its successor has yet to publish.
	 */
	published(scope: Scope, id: number, atVersion: string): Promise<void>;
	/** Last outbox id given out by the scope's commits; 0 when none. Each entry's id is the one before plus 1. */
	lastOutboxId(scope: Scope): Promise<number>;
	/** Values of a list in order of appending from index `from` (default 0) on, read in bounded pages; those spilled are left out. */
	list(scope: Scope, list: string, from?: number): AsyncIterable<Uint8Array>;
	/**
	 * Index of the oldest value kept, and one past the newest; both 0 for an unknown list. A store may spill: it forgets the
	 * oldest values of a list beyond a bound, as far as they were appended by an earlier commit; their copies are in the log.
	 */
	listExtent(scope: Scope, list: string): Promise<{ first: number; end: number }>;
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
