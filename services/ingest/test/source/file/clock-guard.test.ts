import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
	clockError,
	clockToleranceUs,
	createClockWindow,
	firstEventLagUsMax,
	lookAheadBytesMax,
	lookAheadEvents,
	type Timed,
} from '../../../src/source/file/clock-guard.ts';

interface Item extends Timed {
	id: number;
}

/** Which items are ahead of their window, as the guard sees it. */
function guarded(items: readonly Item[]): boolean[] {
	const window = createClockWindow<Item>();
	const ahead: boolean[] = [];
	const order: number[] = [];
	const sink = (item: Item, medianUs: number): void => {
		order.push(item.id);
		ahead.push(item.timeUs - medianUs > clockToleranceUs);
	};
	for (const item of items) {
		window.push(item);
		window.release(sink);
	}
	window.finish(sink);
	assert.deepEqual(
		order,
		items.map((item) => item.id),
	);
	assert.equal(window.head(), undefined);
	return ahead;
}

/** The rule, said plainly: the median of the next hundred, near the end that of the last hundred. */
function plain(items: readonly Item[]): boolean[] {
	return items.map((item, at) => {
		const next = items.slice(at + 1, at + 1 + lookAheadEvents);
		const window = next.length === lookAheadEvents ? next : items.slice(-lookAheadEvents);
		const times = window.map((other) => other.timeUs).sort((a, b) => a - b);
		return item.timeUs - (times[(times.length - 1) >> 1] as number) > clockToleranceUs;
	});
}

describe('the clock window', () => {
	it('judges each event by the next hundred, however many are released at once', () => {
		const minute = 60 * 1_000_000;
		const time = fc.oneof(
			{ weight: 20, arbitrary: fc.integer({ min: 0, max: 5 }) },
			{ weight: 1, arbitrary: fc.integer({ min: 0, max: 60 }) },
			{ weight: 1, arbitrary: fc.integer({ min: -1e6, max: 1e6 }) },
		);
		fc.assert(
			fc.property(fc.array(time, { maxLength: 900, size: 'max' }), fc.integer({ min: 0, max: 2 }), (times, drift) => {
				const items = times.map((t, id) => ({ timeUs: (t + id * drift) * minute, inputBytes: 10, id }));
				assert.deepEqual(guarded(items), plain(items));
			}),
			{ numRuns: 60 },
		);
	});

	it('looks ahead over no more bytes than it may hold', () => {
		const window = createClockWindow<Item>();
		let held = 0;
		let most = 0;
		for (let id = 0; id < 500; id++) {
			window.push({ timeUs: id, inputBytes: 1024 * 1024, id });
			held++;
			window.release(() => {
				held--;
			});
			most = Math.max(most, held);
		}
		assert.ok(most <= (2 * lookAheadBytesMax) / (1024 * 1024) + 2, `${most} MiB held`);
	});
});

describe('a wrong clock', () => {
	const calm = Number.NaN;
	it('is more than ten minutes ahead of the median, or behind the newest', () => {
		assert.equal(clockError(clockToleranceUs, 0, 0), null);
		assert.match(clockError(clockToleranceUs + 1, 0, 0) ?? '', /600 s ahead/);
		assert.equal(clockError(0, calm, clockToleranceUs), null);
		assert.match(clockError(0, calm, clockToleranceUs + 1) ?? '', /600 s behind the newest/);
	});
	it('of the first event is told by a day', () => {
		assert.equal(clockError(0, firstEventLagUsMax, -1), null);
		assert.match(clockError(0, firstEventLagUsMax + 1, -1) ?? '', /behind the events after it/);
	});
});
