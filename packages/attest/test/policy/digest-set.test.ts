import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DigestSet } from '../../src/policy/digest-set.ts';
import { describeDigests, equalDigestSets } from '../../src/policy/digest-set.ts';

test('sets are the same when a strongest algorithm is shared and none that is shared differs', () => {
	const cases: [DigestSet, DigestSet, boolean][] = [
		[{ sha256: 'a' }, { sha256: 'a' }, true],
		[{ sha256: 'a' }, { sha256: 'b' }, false],
		[{}, {}, false],
		[{ sha256: 'a' }, {}, false],
		[{ sha1: 'a' }, { sha1: 'a' }, true],
		// The strong digest cannot be left out to compare by the weak one.
		[{ sha256: 'a', sha1: 'x' }, { sha1: 'x' }, false],
		[{ sha1: 'x' }, { sha256: 'a', sha1: 'x' }, false],
		[{ sha256: 'a', sha1: 'x' }, { sha256: 'a', sha1: 'y' }, false],
		[{ sha256: 'a', sha1: 'x' }, { sha256: 'a' }, true],
		// Two algorithms of one size: sharing one is enough.
		[{ sha256: 'a', 'gitoid:sha256': 'g' }, { 'gitoid:sha256': 'g' }, true],
		[{ sha256: 'a' }, { 'gitoid:sha256': 'g' }, false],
		[{ dirHash: 'h1:a' }, { dirHash: 'h1:a' }, true],
		[{ 'gitoid:sha1': 'g', sha256: 'a' }, { 'gitoid:sha1': 'h', sha256: 'a' }, false],
	];
	for (const [a, b, expected] of cases) assert.equal(equalDigestSets(a, b), expected, JSON.stringify([a, b]));
});

test('sameness has no direction, and a set with a strong digest is the same as itself', () => {
	const digest = fc.constantFrom('a', 'b');
	const set = fc.record(
		{ sha256: digest, sha1: digest, 'gitoid:sha256': digest, 'gitoid:sha1': digest, dirHash: digest },
		{ requiredKeys: [] },
	);
	fc.assert(
		fc.property(set, set, (a, b) => {
			assert.equal(equalDigestSets(a, b), equalDigestSets(b, a));
			assert.equal(equalDigestSets(a, a), Object.keys(a).length > 0);
		}),
	);
});

test('people are shown the strongest digest', () => {
	assert.equal(describeDigests({ sha1: 'x', sha256: 'a' }), 'sha256:a');
	assert.equal(describeDigests({}), 'no digest');
});
