import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileGlob, globLengthMax, matchGlob } from '../../src/policy/glob.ts';

const matches = (pattern: string, text: string): boolean | null => {
	const glob = compileGlob(pattern);
	return glob === null ? null : matchGlob(glob, text);
};

test('patterns match as gobwas/glob does', () => {
	const cases: [pattern: string, text: string, expected: boolean | null][] = [
		['*', '', true],
		['*', 'a/b', true],
		['https://github.com/*', 'https://github.com/org/repo', true],
		['https://github.com/*', 'https://gitlab.com/org', false],
		['refs/heads/main', 'refs/heads/main', true],
		['refs/heads/main', 'refs/heads/main2', false],
		['a?c', 'abc', true],
		['a?c', 'ac', false],
		['a?', 'a\u{1f600}', true],
		['**x', 'aax', true],
		['{push,release}', 'release', true],
		['{push,release}', 'pull', false],
		['a{b,c*}d', 'acxxd', true],
		['{a{b,c},d}', 'ac', true],
		['[abc]', 'b', true],
		['[!abc]', 'b', false],
		['[!abc]', 'd', true],
		['[a-c]', 'b', true],
		['[!a-c]', 'd', true],
		['[a-c]', 'd', false],
		['\\*', '*', true],
		['\\*', 'a', false],
		['a,b', 'a,b', true],
		['a}b', 'a}b', true],
		['[', '', null],
		['[]', '', null],
		['{a', 'a', null],
		['[c-a]', 'b', null],
		['x'.repeat(globLengthMax + 1), '', null],
		[`${'{'.repeat(100)}a${'}'.repeat(100)}`, 'a', null],
	];
	for (const [pattern, text, expected] of cases) assert.equal(matches(pattern, text), expected, `${pattern} ${text}`);
});

test('stars and question marks match what a regular expression does', () => {
	fc.assert(
		fc.property(
			fc.array(fc.constantFrom('a', 'b', '.', '*', '?'), { maxLength: 12 }),
			fc.array(fc.constantFrom('a', 'b', '.'), { maxLength: 12 }),
			(pattern, text) => {
				const source = pattern.map((c) => (c === '*' ? '.*' : c === '?' ? '.' : c === '.' ? '\\.' : c)).join('');
				assert.equal(matches(pattern.join(''), text.join('')), new RegExp(`^${source}$`, 's').test(text.join('')));
			},
		),
		{ numRuns: 500 },
	);
});

test('no pattern takes long', () => {
	const began = performance.now();
	assert.equal(matches(`${'*a'.repeat(450)}b`, 'a'.repeat(5000)), false);
	assert.ok(performance.now() - began < 3000);
});
