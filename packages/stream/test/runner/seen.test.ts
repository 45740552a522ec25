import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { LogRecord } from '../../src/ports.ts';
import {
	admit,
	emptyDraft,
	loadSeen,
	originsMax,
	type Seen,
	seenChange,
	skippedRangesMax,
	withoutSkipped,
} from '../../src/runner/seen.ts';

const at = (offset: number, stage: string, originOffset: number, index = 0): LogRecord => ({
	topic: 'trace',
	partition: 0,
	offset,
	key: '',
	value: new Uint8Array(0),
	timestampUs: -1,
	origin: { stage, partition: 0, offset: originOffset, index },
	seal: null,
	traceparent: null,
});

const empty = (): Seen => ({ marks: new Map(), skipped: [] });

/** Admits and commits; the admitted offsets. */
function commitRun(seen: Seen, cells: Map<string, Uint8Array>, run: LogRecord[], lowWater: number): number[] {
	const draft = emptyDraft();
	const admitted = admit(seen, draft, run);
	const change = seenChange(seen, draft, lowWater);
	for (const [name, value] of change.cells) {
		if (value === null) cells.delete(name);
		else cells.set(name, value);
	}
	change.accept();
	return admitted.map((r) => r.offset);
}

describe('what was seen', () => {
	it('admits each origin once and in order, however runs are cut and whenever it restarts', () => {
		const publications = fc.array(fc.tuple(fc.constantFrom('a', 'b', '__proto__'), fc.nat(6), fc.nat(4)), {
			maxLength: 30,
		});
		fc.assert(
			fc.property(
				publications,
				fc.array(fc.nat(5), { minLength: 1, maxLength: 8 }),
				fc.boolean(),
				(slices, cuts, restart) => {
					// Each origin publishes 0, 1, 2 … and now and then goes back and repeats a stretch.
					const next = new Map<string, number>();
					const log: LogRecord[] = [];
					for (const [stage, back, count] of slices) {
						const from = Math.max(0, (next.get(stage) ?? 0) - back);
						for (let i = from; i <= from + count; i++) log.push(at(log.length, stage, Math.floor(i / 2), i % 2));
						next.set(stage, Math.max(next.get(stage) ?? 0, from + count + 1));
					}
					const cells = new Map<string, Uint8Array>();
					let seen = empty();
					const admitted: number[] = [];
					for (let i = 0, c = 0; i < log.length; c++) {
						const size = 1 + (cuts[c % cuts.length] as number);
						admitted.push(...commitRun(seen, cells, log.slice(i, i + size), 0));
						i += size;
						if (restart) seen = loadSeen(cells);
					}
					const kept = admitted.map((offset) => log[offset] as LogRecord);
					for (const [stage, count] of next) {
						const own = kept
							.filter((r) => r.origin?.stage === stage)
							.map((r) => (r.origin?.offset ?? 0) * 2 + (r.origin?.index ?? 0));
						assert.deepEqual(
							own,
							Array.from({ length: count }, (_, i) => i),
						);
					}
					// A replay of everything leaves out the same records.
					assert.deepEqual(
						withoutSkipped(loadSeen(cells), emptyDraft(), log).map((r) => r.offset),
						admitted,
					);
				},
			),
			{ numRuns: 200 },
		);
	});

	it('forgets skipped offsets below the low water', () => {
		const cells = new Map<string, Uint8Array>();
		const seen = empty();
		commitRun(seen, cells, [at(0, 'a', 0), at(1, 'a', 0), at(2, 'a', 1), at(3, 'a', 0)], 0);
		assert.deepEqual(seen.skipped, [
			[1, 2],
			[3, 4],
		]);
		commitRun(seen, cells, [at(4, 'a', 2)], 3);
		assert.deepEqual(loadSeen(cells).skipped, [[3, 4]]);
		commitRun(seen, cells, [at(5, 'a', 3)], 6);
		assert.deepEqual([...cells.keys()], ['@runtime/seen/0/a']);
	});

	it('keeps its bounds: the origin silent for longest and the oldest ranges go, and are counted', () => {
		const seen = empty();
		for (let i = 0; i < originsMax; i++) seen.marks.set(`0/${i}`, { offset: 1, index: 0 });
		const draft = emptyDraft();
		draft.marks.set('0/0', { offset: 2, index: 0 });
		draft.marks.set('0/new', { offset: 0, index: 0 });
		for (let i = 0; i < skippedRangesMax + 5; i++) draft.skipped.push([i * 2, i * 2 + 1]);
		const change = seenChange(seen, draft, 0);
		assert.deepEqual([change.forgottenOrigins, change.forgottenRanges], [1, 5]);
		assert.equal(change.cells.get('@runtime/seen/0/1'), null);
		change.accept();
		assert.equal(seen.marks.size, originsMax);
		assert.equal(seen.marks.has('0/1'), false);
		assert.equal(seen.skipped.length, skippedRangesMax);
	});
});
