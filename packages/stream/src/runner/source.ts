// The entrance: a source commits its checkpoint together with the records it read, by the same protocol as a stage, so
// that a restart loses and repeats nothing.
import { StreamError } from '../errors.ts';
import type { Commit, CommitResult, OutRecord, Scope, Topic } from '../ports.ts';
import type { CrashPoint, RunnerOptions, RunnerPorts } from './options.ts';
import { runnerLimits } from './options.ts';
import { recoverOutputMarks } from './output-marks.ts';
import { appendPending, type PendingOutbox, pendingOf } from './publish.ts';
import { backoffMs, sleep } from './wait.ts';

export interface SourceCommit {
	/** Checkpoint and other state; null removes a cell. */
	cells: ReadonlyMap<string, Uint8Array | null>;
	/** Batches for `trace`, dead letters for `deadletter`. */
	records: readonly OutRecord[];
}

export type SourceCommitResult =
	| { kind: 'published' }
	/** Committed, but the signal aborted while the log was full: published by the next commit or the next start. */
	| { kind: 'pending' }
	/** Nothing of it is durable: the signal aborted while the commit before still waited for room. */
	| { kind: 'refused' };

export interface SourceWriter {
	/** As committed. */
	readonly cells: ReadonlyMap<string, Uint8Array>;
	/** Counter of commits, never given out twice: origin offset of the next commit's records. */
	readonly offset: () => number;
	/** True when the store knew nothing of this source: its first start, or the store was lost. */
	readonly fresh: boolean;
	/**
	 * Blocks while the log is full. One at a time. Rejects with StreamError('fenced') when another writer has taken the
	 * scope; nothing of the commit is durable then, and the writer is of no more use.
	 */
	commit(commit: SourceCommit, signal?: AbortSignal): Promise<SourceCommitResult>;
	/** Rejects further commits. Log and store stay open: they are the caller's. */
	close(): void;
}

export interface SourceOptions extends Pick<RunnerOptions, 'crashPoint' | 'publishRecordsMax' | 'publishBytesMax'> {
	/** Topics the source writes to. Default `trace` and `deadletter`. */
	outputs?: readonly Topic[];
	/** Ends the wait for room when the outbox of an earlier run cannot be published. */
	signal?: AbortSignal;
}

const never = new AbortController().signal;

/** `stage` is `ingest:` and the host or source id; it must name the source over all restarts. Publishes what an earlier run left. */
export async function openSource(scope: Scope, ports: RunnerPorts, options: SourceOptions = {}): Promise<SourceWriter> {
	const { store } = ports;
	const stored = await store.load(scope);
	const state: SourceState = {
		scope,
		ports,
		crashPoint: options.crashPoint ?? (() => {}),
		limits: runnerLimits(options).publish,
		version: stored.version,
		offset: stored.offset,
		lastOutboxId: await store.lastOutboxId(scope),
		pending: pendingOf(stored.outbox),
	};
	if (stored.fresh) {
		// Readers drop what is not beyond what they have seen: a counter that began again at 0 would lose all that follows.
		const marks = await recoverOutputMarks(ports, scope, options.outputs ?? ['trace', 'deadletter'], -1);
		for (const mark of marks.values()) state.offset = Math.max(state.offset, mark.offset + 1);
	}
	const cells = new Map(stored.cells);
	let busy = false;
	let closed = false;
	await publish(state, options.signal ?? never);
	return {
		cells,
		offset: () => state.offset,
		fresh: stored.fresh,
		commit: async (commit, signal) => {
			if (closed) throw new StreamError('closed', `${scope.stage}: the source is closed`);
			if (busy) throw new Error(`${scope.stage}: commit called while another is under way`);
			busy = true;
			try {
				return await commitAndPublish(state, cells, commit, signal ?? never);
			} finally {
				busy = false;
			}
		},
		close: () => {
			closed = true;
		},
	};
}

interface SourceState {
	readonly scope: Scope;
	readonly ports: RunnerPorts;
	readonly crashPoint: (point: CrashPoint) => void;
	readonly limits: { records: number; bytes: number };
	/** The scope's version that the next commit expects. */
	version: string;
	offset: number;
	lastOutboxId: number;
	pending: PendingOutbox;
}

async function commitAndPublish(
	state: SourceState,
	cells: Map<string, Uint8Array>,
	commit: SourceCommit,
	signal: AbortSignal,
): Promise<SourceCommitResult> {
	// One commit's records at most wait in the outbox; with the log still full, nothing is taken on top.
	if (!(await publish(state, signal))) return { kind: 'refused' };
	const { scope, offset } = state;
	const outbox = commit.records.map(({ topic, key, value }, index) => ({
		topic,
		key,
		value,
		origin: { stage: scope.stage, partition: scope.partition, offset, index },
	}));
	state.crashPoint('before-commit');
	const result = await commitWithRoom(
		state,
		{
			expectedVersion: state.version,
			nextOffset: offset + 1,
			lowWaterOffset: offset + 1,
			cells: commit.cells,
			appends: [],
			outbox,
		},
		signal,
	);
	if (result === null) return { kind: 'refused' };
	if (result.kind === 'fenced')
		throw new StreamError('fenced', `${scope.stage}: another writer has committed up to ${result.storedOffset}`);
	state.crashPoint('after-commit');
	state.version = result.version;
	state.offset = offset + 1;
	state.lastOutboxId += outbox.length;
	state.pending = pendingOf(outbox);
	for (const [name, value] of commit.cells) {
		if (value === null) cells.delete(name);
		else cells.set(name, value);
	}
	return { kind: (await publish(state, signal)) ? 'published' : 'pending' };
}

/** A full store, or the disk under it, is backpressure like a full log. null when `signal` aborted first: nothing is durable then. */
async function commitWithRoom(state: SourceState, commit: Commit, signal: AbortSignal): Promise<CommitResult | null> {
	for (let attempt = 0; ; attempt++)
		try {
			return await state.ports.store.commit(state.scope, commit);
		} catch (error) {
			if (!(error instanceof StreamError && error.code === 'store-full')) throw error;
			if (attempt === 0) emitDelayed(state, 'store-full', `the source waits for room: ${error.message}`, {});
			if (signal.aborted) return null;
			await sleep(backoffMs(attempt), signal);
		}
}

function emitDelayed(
	{ ports, scope }: SourceState,
	reason: 'log-full' | 'store-full',
	message: string,
	detail: Record<string, unknown>,
): void {
	ports.emit({
		name: 'publish_delayed',
		stage: scope.stage,
		reason,
		intentional: reason === 'log-full',
		message,
		detail,
	});
}

/** False when `signal` aborted before the log had room. */
async function publish(state: SourceState, signal: AbortSignal): Promise<boolean> {
	const { ports, scope, pending } = state;
	if (pending.entries.length === 0) return true;
	state.crashPoint('before-publish');
	for (let attempt = 0; !(await appendPending(ports, pending, state.limits)); attempt++) {
		if (attempt === 0)
			emitDelayed(state, 'log-full', 'the log is full: the source waits for room', {
				waiting: pending.entries.length - pending.done,
			});
		if (signal.aborted) return false;
		await sleep(backoffMs(attempt), signal);
	}
	state.crashPoint('after-publish');
	try {
		await ports.store.published(scope, state.lastOutboxId, state.version);
	} catch (error) {
		// Nothing is lost by it: the next commit's notice covers these, and a restart publishes them again.
		if (!(error instanceof StreamError && error.code === 'store-full')) throw error;
		emitDelayed(state, 'store-full', `what was published cannot be noted: ${error.message}`, {});
	}
	state.pending = pendingOf([]);
	state.crashPoint('after-published');
	return true;
}
