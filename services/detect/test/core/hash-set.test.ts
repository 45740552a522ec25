import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createDistinctCounter } from '../../src/core/hash-set.ts';

describe('createDistinctCounter', () => {
	it('counts as a Set does', () => {
		fc.assert(
			fc.property(fc.array(fc.string(), { maxLength: 200 }), (texts) => {
				const counter = createDistinctCounter();
				for (const text of texts) counter.add(text);
				assert.equal(counter.size, new Set(texts).size);
			}),
		);
	});

	it('tells 300,000 similar paths apart', () => {
		const counter = createDistinctCounter();
		for (let i = 0; i < 300_000; i++) counter.add(`/usr/include/dir${i % 100}/header${i}.h`);
		for (let i = 0; i < 300_000; i++) counter.add(`/usr/include/dir${i % 100}/header${i}.h`);
		assert.equal(counter.size, 300_000);
	});
});
