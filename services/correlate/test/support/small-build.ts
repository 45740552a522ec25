// A small session as records, and how runs are told apart.
import assert from 'node:assert/strict';
import type { Facts } from '@affidavit/model/facts.ts';
import type { TraceBatch } from '@affidavit/model/generated/trace.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import type { CorrelateOptions } from '../../src/stage.ts';
import { collect, createAgent, createStage, type Decoded, factsOf, type Run } from './pipeline.ts';
import { githubEnvironment, type Story, tell } from './story.ts';

/** A session of some reads, about a minute long. */
export function build(): { story: Story; cuts: Decoded[][] } {
	const story = tell();
	const init = story.old('/sbin/init', undefined, { pid: 1 });
	const shell = story.exec(init, '/bin/bash', { environment: githubEnvironment('7') });
	for (let i = 0; i < 12; i++) {
		story.wait(5_000_000);
		story.openWrite(shell, `/ws/${i}`, String(i), '');
		story.read(shell, `/ws/${i}`, String(i), `content ${i}`);
	}
	story.exit(shell);
	const cuts: Decoded[][] = [];
	for (let at = 0; at < story.events.length; at += 5) cuts.push(story.events.slice(at, at + 5));
	return { story, cuts };
}

/** A chain of records, its last one ending the input. */
export function chainOf(
	cuts: readonly Decoded[][],
	more: (index: number) => Partial<TraceBatch> = () => ({}),
): LogRecord[] {
	const agent = createAgent('host');
	return [
		...cuts.map((cut, index) => agent.record(cut, more(index))),
		agent.record([], { endOfInput: true, ...more(cuts.length) }),
	];
}

export const only = (result: Run): Facts => {
	const [facts, ...others] = factsOf(result).values();
	assert.ok(facts);
	assert.equal(others.length, 0);
	return facts;
};

export const renumbered = (records: readonly LogRecord[]): LogRecord[] =>
	records.map((r, offset) => ({ ...r, offset }));
export const reasons = (result: Run): string[] =>
	[...new Set(result.notices.map((n) => `${n.name}/${n.reason}`))].sort();
export const codes = (result: Run): string[] => result.results.flatMap((r) => r.deadLetters.map((d) => d.code));

/** Runs with a new worker for every record: what is not in the cells comes from replayed records. */
export async function restarting(records: readonly LogRecord[], options: Partial<CorrelateOptions> = {}): Promise<Run> {
	const { stage, notices } = createStage(options);
	const cells = new Map<string, Uint8Array>();
	const result: Run = { batches: new Map(), results: [], notices };
	let low = 0;
	for (const [offset, record] of records.entries()) {
		const worker = await stage.open(0, new Map(cells));
		if (low < offset) {
			const refilled = await worker.step(records.slice(low, offset), true);
			assert.deepEqual([refilled.outputs, refilled.appends, refilled.deadLetters], [[], [], []]);
		}
		const stepped = await worker.step([record], false);
		for (const [key, value] of stepped.cells)
			if (value === null) cells.delete(key);
			else cells.set(key, value);
		low = stepped.lowWaterOffset;
		assert.ok(stepped.rebuildOffset <= low && low <= offset + 1);
		collect(result, stepped);
	}
	return result;
}
