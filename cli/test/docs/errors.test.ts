import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filesBelow, readRepoFile } from './repo-files.ts';

/** Literals of every closed list of codes in the sources: `export type …Code = 'a' | 'b'`. */
function declaredCodes(): Map<string, string[]> {
	const lists = new Map<string, string[]>();
	for (const folder of ['packages', 'services', 'cli'])
		for (const path of filesBelow(folder, '.ts')) {
			if (!/\/src\//.test(path) || path.includes('/generated/')) continue;
			// A comment on a code may hold a semicolon.
			const source = readRepoFile(path).replace(/\/\*\*.*?\*\//gs, '');
			for (const [, name, body] of source.matchAll(/export type (\w*Code)\s*=([^;]*);/g)) {
				const codes = [...(body as string).matchAll(/'([a-z0-9-]+)'/g)].map((match) => match[1] as string);
				lists.set(`${name} (${path})`, codes);
			}
		}
	return lists;
}

/** Codes that have a row: | `code` | … */
const documented = (): Set<string> =>
	new Set([...readRepoFile('docs/errors.md').matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map((match) => match[1] as string));

test('every code of a closed list has a row in docs/errors.md', () => {
	const lists = declaredCodes();
	assert.ok(lists.size >= 3, 'the closed lists are found');
	const rows = documented();
	for (const [list, codes] of lists) {
		assert.deepEqual(
			codes.filter((code) => !rows.has(code)),
			[],
			list,
		);
	}
});

test('docs/errors.md has no row for a code that is gone', () => {
	const declared = new Set([...declaredCodes().values()].flat());
	assert.deepEqual(
		[...documented()].filter((code) => !declared.has(code)),
		[],
	);
});

test('every row says what to do', () => {
	for (const [row] of readRepoFile('docs/errors.md').matchAll(/^\| `.*$/gm))
		assert.ok(row.split('|').filter((cell) => cell.trim() !== '').length >= 3, row);
});
