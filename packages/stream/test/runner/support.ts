// Small stages and worlds for the runner's tests.
import { collectingEmit } from '../../src/internal-event.ts';
import { createMemoryLog, type MemoryLogOptions } from '../../src/memory/log.ts';
import { createMemoryStore } from '../../src/memory/store.ts';
import type { Log, LogRecord, OutRecord, Topic } from '../../src/ports.ts';
import type { PartitionRunner } from '../../src/runner/partition-runner.ts';
import type { Stage, StepResult } from '../../src/stage.ts';

export function createWorld(options: MemoryLogOptions = {}) {
	const { emit, events, count } = collectingEmit();
	return { log: createMemoryLog(options), store: createMemoryStore(), emit, events, count };
}

export const text = (record: { value: Uint8Array }): string => Buffer.from(record.value).toString();

export const out = (topic: Topic, value: string, key = 'k'): OutRecord => ({ topic, key, value: Buffer.from(value) });

/** Appends inputs to `trace` as one source would, with origin offsets from `from` on. */
export async function feed(log: Log, values: readonly string[], from = 0): Promise<void> {
	await log.append(
		values.map((value, i) => ({
			...out('trace', value),
			origin: { stage: 'ingest:test', partition: 0, offset: from + i, index: 0 },
		})),
	);
}

export async function readAll(log: Log, topic: Topic, partition = 0): Promise<LogRecord[]> {
	return await log.read(topic, partition, 0, { records: 1_000_000, bytes: 1 << 30 });
}

export const texts = async (log: Log, topic: Topic): Promise<string[]> => (await readAll(log, topic)).map(text);

export function resultOf(records: readonly LogRecord[], rest: Partial<StepResult> = {}): StepResult {
	const next = (records.at(-1)?.offset ?? -1) + 1;
	return {
		outputs: records.map((r) => ({ offset: r.offset, records: [out('session', `<${text(r)}>`)] })),
		cells: new Map(),
		appends: [],
		deadLetters: [],
		lowWaterOffset: next,
		rebuildOffset: next,
		...rest,
	};
}

/** trace → session: each text in angle brackets. `onStep` may throw or change the result. */
export function echoStage(
	onStep: (records: readonly LogRecord[], replayed: boolean) => Partial<StepResult> | undefined = () => undefined,
	name = 'echo',
): Stage {
	return {
		name,
		input: 'trace',
		outputs: ['session'],
		open: async () => ({ step: async (records, replayed) => resultOf(records, onStep(records, replayed)) }),
	};
}

/** Pumps until there is nothing to do; the last result. */
export async function pumpAll(runner: PartitionRunner): Promise<string> {
	for (let i = 0; i < 10_000; i++) {
		const { kind } = await runner.pump();
		if (kind !== 'progress') return kind;
	}
	throw new Error('no end of progress');
}
