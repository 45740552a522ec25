import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkNames } from '../../src/policy/constraints.ts';

test('names are the listed ones, no more and no less', () => {
	const cases: [constraints: string[], values: string[], expected: RegExp | null][] = [
		[['*'], [], null],
		[['*'], ['a', 'b'], null],
		[[], [], null],
		[[''], [], null],
		[[], [''], null],
		[[''], [''], null],
		[[], ['a'], /not expecting any email\(s\), but cert has 1/],
		[[''], ['a'], /not expecting any email/],
		[['a'], [], /lacks the email\(s\) "a"/],
		[['a'], ['a'], null],
		[['a', 'b'], ['b', 'a'], null],
		[['a', 'b'], ['a'], /lacks the email\(s\) "b"/],
		[['a'], ['a', 'b'], /unexpected email "b"/],
		[['a'], ['a', 'a'], /unexpected email "a"/],
		[['a', 'a'], ['a'], null],
		// The star is a name among others when it does not stand alone.
		[['*', 'a'], ['a'], /lacks the email\(s\) "\*"/],
		[['a*'], ['ab'], /unexpected/],
	];
	for (const [constraints, values, expected] of cases) {
		const reason = checkNames('email', constraints, values);
		if (expected === null) assert.equal(reason, '', JSON.stringify([constraints, values]));
		else assert.match(reason, expected);
	}
});

test('names without an empty one or a star pass just when they are the same set', () => {
	const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 });
	fc.assert(
		fc.property(names, names, (constraints, values) => {
			const same = [...constraints].sort().join() === [...values].sort().join();
			assert.equal(checkNames('uri', constraints, values) === '', same);
		}),
	);
});
