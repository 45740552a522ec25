// A batch's span, where tracing is on; nothing is made where it is off.
import type { LogRecord } from '../ports.ts';
import type { BatchSpan } from '../tracing.ts';
import type { BatchOutcome } from './commit.ts';
import type { PartitionState } from './partition-state.ts';

/** Traceparents of one batch's input that its span links to: those first seen. */
export const linksMax = 32;

export function startSpan(
	{ ports, stage, scope }: PartitionState,
	records: readonly LogRecord[],
	admitted: readonly LogRecord[],
): BatchSpan | undefined {
	if (ports.tracing === undefined) return undefined;
	const links = new Set<string>();
	for (const { traceparent } of admitted) {
		if (traceparent !== null) links.add(traceparent);
		if (links.size === linksMax) break;
	}
	return ports.tracing.startBatch(stage.name, [...links], {
		partition: scope.partition,
		offset: records[0]?.offset ?? -1,
		records: records.length,
		admitted: admitted.length,
	});
}

/** `outcome` is undefined when the batch threw. */
export function endSpan(span: BatchSpan | undefined, outcome: BatchOutcome | undefined): void {
	if (span === undefined) return;
	if (typeof outcome === 'number') span.end('ok', { outputs: outcome });
	else span.end(outcome === 'blocked' ? 'ok' : 'error', { outcome: outcome ?? 'thrown' });
}
