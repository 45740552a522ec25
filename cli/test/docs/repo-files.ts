// The repository's own files, for the tests that hold the documentation to them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../run-cli.ts';

export const readRepoFile = (path: string): string => readFileSync(join(repoRoot, path), 'utf8');

/** Paths relative to the root of files below `folder` with that ending. */
export function filesBelow(folder: string, ending: string): string[] {
	const out: string[] = [];
	for (const entry of readdirSync(join(repoRoot, folder), { withFileTypes: true })) {
		const path = `${folder}/${entry.name}`;
		if (entry.isDirectory() && entry.name !== 'node_modules') out.push(...filesBelow(path, ending));
		else if (entry.isFile() && entry.name.endsWith(ending)) out.push(path);
	}
	return out.sort();
}

export const documents: readonly string[] = [
	'README.md',
	'CONTRIBUTING.md',
	'compose/README.md',
	...filesBelow('docs', '.md'),
	...filesBelow('rules', '.md'),
];
