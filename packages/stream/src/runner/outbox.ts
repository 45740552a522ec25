// From a step's result to outbox entries (pure).
import type { LogRecord, Origin, OutRecord, Scope, Topic } from '../ports.ts';
import type { StepResult } from '../stage.ts';
import { deadLetterOutputs } from './dead-letters.ts';

/**
 * The outputs of a run with their origins, in the order in which they are published. Throws on a result that breaks the
 * contract: readers could not tell such outputs from duplicates.
 */
export function outboxOf(
	result: StepResult,
	run: readonly LogRecord[],
	scope: Scope,
	allowed: readonly Topic[],
): (OutRecord & { origin: Origin })[] {
	const outbox: (OutRecord & { origin: Origin })[] = [];
	const first = run[0]?.offset ?? 0;
	const last = run.at(-1)?.offset ?? -1;
	let before = -1;
	for (const { offset, records } of result.outputs) {
		if (offset <= before || offset < first || offset > last)
			throw new Error(`outputs of offset ${offset}: expected rising offsets from ${first} to ${last}`);
		before = offset;
		for (let index = 0; index < records.length; index++) {
			const record = records[index] as OutRecord;
			if (!allowed.includes(record.topic))
				throw new Error(`output to ${record.topic}: expected one of ${allowed.join(', ')}`);
			const { topic, key, value } = record;
			outbox.push({ topic, key, value, origin: { stage: scope.stage, partition: scope.partition, offset, index } });
		}
	}
	outbox.push(...deadLetterOutputs(result.deadLetters, run, scope));
	return outbox;
}
