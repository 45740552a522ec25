import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { repoRoot } from '../run-cli.ts';
import { documents, readRepoFile } from './repo-files.ts';

const topFolders = readdirSync(repoRoot, { withFileTypes: true })
	.filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
	.map((entry) => entry.name);

/** What stands in backticks and begins with a folder of the repository; patterns and placeholders (rules/ID.yaml, services/*) are none. */
function namedPaths(text: string): string[] {
	const prose = text.replace(/^```[\s\S]*?^```/gm, '');
	return [...prose.matchAll(/`([^`\s]+)`/g)]
		.map((match) => match[1] as string)
		.filter((path) => topFolders.includes(path.split('/')[0] as string) && path.includes('/'))
		.filter((path) => !/[*<>{}…]|\b[A-Z]{2,}\.(yaml|md|avsc|VERSION)/.test(path))
		.map((path) => path.replace(/:\d+$/, ''));
}

/** Targets of links that stay in the repository, from its root. */
function linkedPaths(document: string, text: string): string[] {
	return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
		.map((match) => (match[1] as string).replace(/#.*$/, ''))
		.filter((target) => target !== '' && !/^[a-z]+:/.test(target))
		.map((target) => normalize(join(dirname(document), target)));
}

for (const document of documents)
	test(`every path that ${document} names exists`, () => {
		const text = readRepoFile(document);
		const paths = [...namedPaths(text), ...linkedPaths(document, text)];
		assert.deepEqual(
			paths.filter((path) => !existsSync(join(repoRoot, path))),
			[],
		);
	});

test('the test finds paths at all', () => {
	assert.deepEqual(namedPaths('see `cli/src/main.ts`, `cli/`, `npm ci`, `rules/ID.yaml`, `services/*`'), [
		'cli/src/main.ts',
		'cli/',
	]);
	assert.deepEqual(linkedPaths('docs/x.md', '[a](y.md#z) [b](../README.md) [c](https://h/)'), [
		'docs/y.md',
		'README.md',
	]);
});
