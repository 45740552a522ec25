import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRepoFile } from '../docs/repo-files.ts';

test('docs/verify.md has a row for each trap: meaning, example, what to do', () => {
	const source = readRepoFile('packages/attest/src/policy/traps.ts').replace(/\/\*\*.*?\*\//gs, '');
	const codes = [...(/TrapCode =([^;]*);/.exec(source)?.[1] ?? '').matchAll(/'([a-z0-9-]+)'/g)].map(
		(match) => match[1],
	);
	const rows = [...readRepoFile('docs/verify.md').matchAll(/^\| `([a-z][a-z0-9-]+)` \|(.*)\|$/gm)];
	assert.ok(codes.length > 10);
	assert.deepEqual(
		rows
			.map(([, code]) => code)
			.filter((code) => code?.includes('-'))
			.sort(),
		[...codes].sort(),
	);
	for (const [, code, cells] of rows) assert.equal(cells?.split(' | ').length, 3, code);
});
