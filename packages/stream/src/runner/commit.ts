// The commit protocol (design 4.1), here and nowhere else: one atomic commit behind a fence, then the outputs it holds are
// published, then forgotten, then the log is told what is no longer needed.
import type { LogRecord } from '../ports.ts';
import type { StepResult } from '../stage.ts';
import type { outboxOf } from './outbox.ts';
import { encodeOutputMarks, isPassed, notYetPublished } from './output-marks.ts';
import type { PartitionState } from './partition-state.ts';
import { appendPending, pendingOf } from './publish.ts';
import { suppressCell } from './reserved-cells.ts';
import { emptyDraft, type SeenDraft, seenChange } from './seen.ts';

/** Number of outputs in the outbox now. */
export type CommitOutcome = number | 'fenced';
/** Number of outputs published, or why they are not. */
export type BatchOutcome = CommitOutcome | 'blocked';

export interface StepOutcome {
	/** null when no record reached the stage. */
	result: StepResult | null;
	outbox: ReturnType<typeof outboxOf>;
}

/** One atomic step forward. Its outputs are due then: `publish`. */
export async function commit(
	state: PartitionState,
	records: readonly LogRecord[],
	admitted: readonly LogRecord[],
	draft: SeenDraft,
	{ result, outbox }: StepOutcome,
	traceparent?: string,
): Promise<CommitOutcome> {
	const { ports, scope } = state;
	const nextOffset = (records.at(-1)?.offset ?? state.position - 1) + 1;
	const stepped = (admitted.at(-1)?.offset ?? nextOffset - 1) + 1;
	// A stage with nothing pending knows only the records it was given; what was left out after them is done with too.
	const reach = (offset: number): number => (offset >= stepped ? nextOffset : offset);
	const lowWater = result ? reach(result.lowWaterOffset) : atLeast(state.lowWater, state.liveFrom, nextOffset);
	const rebuild = Math.min(
		lowWater,
		result ? reach(result.rebuildOffset) : atLeast(state.rebuild, state.liveFrom, nextOffset),
	);
	const seen = seenChange(state.seen, draft, lowWater);
	const cells = new Map([...(result?.cells ?? []), ...seen.cells]);
	const fresh = state.suppress ? notYetPublished(ports.log, state.suppress, outbox) : outbox;
	const suppress = state.suppress && !isPassed(state.suppress, nextOffset) ? state.suppress : null;
	if (state.suppress) cells.set(suppressCell, suppress ? encodeOutputMarks(suppress) : null);

	state.crashPoint('before-commit');
	state.intact = false;
	const committed = await ports.store.commit(scope, {
		expectedVersion: state.version,
		nextOffset,
		lowWaterOffset: lowWater,
		cells,
		appends: result?.appends ?? [],
		expireLists: result?.expireLists ?? [],
		outbox: fresh,
	});
	if (committed.kind === 'fenced') {
		state.fencedAt = committed.storedOffset;
		return 'fenced';
	}
	state.crashPoint('after-commit');
	state.intact = true;
	seen.accept();
	state.draft = emptyDraft();
	state.suppress = suppress;
	state.version = committed.version;
	state.liveFrom = state.position = nextOffset;
	state.isolateReplay = false;
	state.lowWater = lowWater;
	state.rebuild = rebuild;
	state.lastOutboxId += fresh.length;
	state.pending = pendingOf(fresh, traceparent);
	if (outbox.length > fresh.length || seen.forgottenOrigins > 0 || seen.forgottenRanges > 0)
		emitForgotten(state, outbox.length - fresh.length, seen.forgottenOrigins, seen.forgottenRanges);
	return fresh.length;
}

/** Without a step, an offset moves only when nothing was pending behind it. */
const atLeast = (offset: number, before: number, next: number): number => (offset >= before ? next : offset);

/** Publishes the outbox, forgets it, and tells the log what is no longer needed. False when the log is full. */
export async function publish(state: PartitionState): Promise<boolean> {
	const { ports, scope, stage, pending } = state;
	if (pending.entries.length > 0) {
		state.crashPoint('before-publish');
		if (!(await appendPending(ports, pending, state.limits.publish))) {
			ports.emit({
				name: 'publish_delayed',
				stage: stage.name,
				reason: 'log-full',
				intentional: true,
				message: 'the log is full: outputs wait in the outbox',
				detail: { partition: scope.partition, waiting: pending.entries.length - pending.done },
			});
			return false;
		}
		state.crashPoint('after-publish');
		await ports.store.published(scope, state.lastOutboxId, state.version);
		state.pending = pendingOf([]);
		state.crashPoint('after-published');
	}
	if (state.saved.rebuild !== state.rebuild || state.saved.lowWater !== state.lowWater) {
		await ports.log.saveLowWater(stage.name, stage.input, scope.partition, state.rebuild, state.lowWater);
		state.saved = { rebuild: state.rebuild, lowWater: state.lowWater };
		state.crashPoint('after-low-water');
	}
	return true;
}

function emitForgotten(state: PartitionState, suppressed: number, origins: number, ranges: number): void {
	const common = { stage: state.stage.name, detail: { partition: state.scope.partition } };
	if (suppressed > 0)
		state.ports.emit({
			...common,
			name: 'outputs_suppressed',
			reason: 'published-before-store-loss',
			intentional: true,
			count: suppressed,
			message: 'outputs that the log holds already are not published again',
		});
	if (origins + ranges > 0)
		state.ports.emit({
			...common,
			name: 'duplicate_memory_forgotten',
			reason: origins > 0 ? 'origins-bound' : 'ranges-bound',
			intentional: true,
			count: origins + ranges,
			message: 'the bound on what is remembered of seen records was reached',
		});
}
