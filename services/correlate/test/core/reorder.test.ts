import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareEvents, emptyEvent, unknownProcess } from '@affidavit/model/trace-event.ts';
import fc from 'fast-check';
import {
	createReorder,
	forget,
	forgetExcess,
	type Item,
	insert,
	insertLate,
	next,
	pending,
	textExcess,
} from '../../src/core/reorder.ts';

const item = (timeUs: number, execId: string): Item => ({
	event: emptyEvent('exec', timeUs, execId, ''),
	process: unknownProcess(execId),
	parent: null,
});

const items = fc.array(
	fc.tuple(fc.nat({ max: 30 }), fc.constantFrom('a', 'b')).map(([timeUs, execId]) => item(timeUs, execId)),
	{ maxLength: 60 },
);

test('whatever the batches: released in canonical order, each event once', () => {
	fc.assert(
		fc.property(items, fc.integer({ min: 1, max: 9 }), (all, size) => {
			const reorder = createReorder();
			let duplicates = 0;
			for (let at = 0; at < all.length; at += size) duplicates += insert(reorder, all.slice(at, at + size));
			assert.equal(pending(reorder), all.length - duplicates);
			reorder.watermarkUs = 30;
			const released: Item[] = [];
			for (let one = next(reorder); one !== undefined; one = next(reorder)) released.push(one);
			const unique = [...all]
				.sort((a, b) => compareEvents(a.event, b.event))
				.filter((one, i, sorted) => i === 0 || compareEvents((sorted[i - 1] as Item).event, one.event) !== 0);
			assert.deepEqual(
				released.map((one) => [one.event.timeUs, one.event.execId]),
				unique.map((one) => [one.event.timeUs, one.event.execId]),
			);
			assert.equal(pending(reorder), 0);
		}),
	);
});

test('what was released is remembered against late duplicates until it is forgotten', () => {
	const reorder = createReorder();
	const many = Array.from({ length: 2000 }, (_, i) => item(i, 'a'));
	insert(reorder, many.slice());
	reorder.watermarkUs = 1999;
	while (next(reorder) !== undefined);
	assert.equal(insertLate(reorder, item(7, 'a')), false);
	assert.equal(insertLate(reorder, item(7, 'b')), true);
	assert.equal(insertLate(reorder, item(7, 'b')), false);
	forget(reorder, 1500);
	assert.equal(reorder.items.length, 500);
	assert.equal(insertLate(reorder, item(1600, 'a')), false);
	insert(reorder, [item(5000, 'c')]);
	reorder.watermarkUs = 5000;
	assert.equal(next(reorder)?.event.execId, 'c');
});

const long = (timeUs: number, path: string): Item => {
	const one = item(timeUs, 'a');
	one.event.path = path;
	return one;
};

test('no more is kept than the bounds say, not even of events of one moment', () => {
	fc.assert(
		fc.property(
			fc.array(fc.tuple(fc.nat({ max: 5 }), fc.string({ maxLength: 40 })), { maxLength: 80 }),
			fc.integer({ min: 1, max: 9 }),
			fc.nat({ max: 200 }),
			fc.nat({ max: 20 }),
			(all, size, text, events) => {
				const reorder = createReorder();
				const held = (): number => reorder.items.reduce((sum, one) => sum + one.event.path.length, 0);
				for (let at = 0; at < all.length; at += size) {
					insert(
						reorder,
						all.slice(at, at + size).map(([timeUs, path]) => long(timeUs, path)),
					);
					assert.equal(reorder.text, held());
					const excess = textExcess(reorder, text);
					reorder.watermarkUs = excess > 0 ? (reorder.items[reorder.head + excess - 1] as Item).event.timeUs : -1;
					while (next(reorder) !== undefined);
					forgetExcess(reorder, { events, text });
					assert.equal(reorder.text, held());
					assert.ok(reorder.text <= text, `${reorder.text} of ${text}`);
					assert.ok(reorder.head <= events);
				}
			},
		),
	);
});
