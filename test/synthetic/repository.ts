// The git repository that the synthetic builds claim to build.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sources } from './scenarios.ts';

/** Commits `sources` in `folder` with fixed names and dates, so that the commit id is the same everywhere. */
export function makeRepository(folder: string): string {
	mkdirSync(folder, { recursive: true });
	const at = '2026-11-01T00:00:00Z';
	const env = {
		...process.env,
		GIT_AUTHOR_NAME: 'Synthetic',
		GIT_AUTHOR_EMAIL: 'synthetic@example.test',
		GIT_AUTHOR_DATE: at,
		GIT_COMMITTER_NAME: 'Synthetic',
		GIT_COMMITTER_EMAIL: 'synthetic@example.test',
		GIT_COMMITTER_DATE: at,
		GIT_CONFIG_GLOBAL: '/dev/null',
		GIT_CONFIG_NOSYSTEM: '1',
	};
	const git = (...args: string[]): string => execFileSync('git', ['-C', folder, ...args], { env, encoding: 'utf8' });
	git('init', '-q', '-b', 'main');
	for (const [path, content] of Object.entries(sources)) writeFileSync(join(folder, path), content);
	git('add', '--', ...Object.keys(sources));
	git('commit', '-q', '-m', 'synthetic sources');
	return git('rev-parse', 'HEAD').trim();
}
