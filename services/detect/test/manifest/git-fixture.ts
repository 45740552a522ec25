// Real git repositories in temporary folders, for the manifest's tests.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const environment = {
	PATH: process.env['PATH'] ?? '',
	HOME: '/nonexistent',
	GIT_CONFIG_NOSYSTEM: '1',
	GIT_CONFIG_GLOBAL: '/dev/null',
	GIT_AUTHOR_NAME: 'a',
	GIT_AUTHOR_EMAIL: 'a@example.com',
	GIT_COMMITTER_NAME: 'a',
	GIT_COMMITTER_EMAIL: 'a@example.com',
	GIT_AUTHOR_DATE: '2026-01-01T00:00:00Z',
	GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z',
};

export const git = (cwd: string, args: string[], input?: string | Buffer): string =>
	execFileSync('git', args, { cwd, env: environment, encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'] }).trim();

export function tempDir(): { path: string; [Symbol.dispose](): void } {
	const path = mkdtempSync(join(tmpdir(), 'affidavit-manifest-'));
	return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export function makeRepository(path: string, files: Record<string, string | Buffer>, format = 'sha1'): string {
	mkdirSync(path, { recursive: true });
	git(path, ['init', '-q', '-b', 'main', `--object-format=${format}`]);
	return commitFiles(path, files);
}

export function commitFiles(path: string, files: Record<string, string | Buffer>): string {
	for (const [name, content] of Object.entries(files)) {
		mkdirSync(dirname(join(path, name)), { recursive: true });
		writeFileSync(join(path, name), content);
	}
	git(path, ['add', '-A']);
	git(path, ['commit', '-q', '-m', 'x']);
	return git(path, ['rev-parse', 'HEAD']);
}

/** A commit of a tree that `git add` would never make: entries are "MODE TYPE ID<tab>PATH". */
export function commitTree(path: string, tree: Buffer): string {
	const id = git(path, ['hash-object', '-t', 'tree', '-w', '--literally', '--stdin'], tree);
	const commit = git(path, ['commit-tree', '-m', 'hostile', id]);
	git(path, ['update-ref', 'refs/heads/main', commit]);
	return commit;
}

/** One raw tree entry. */
export const treeEntry = (mode: string, name: string | Buffer, id: string): Buffer =>
	Buffer.concat([Buffer.from(`${mode} `), Buffer.from(name), Buffer.from([0]), Buffer.from(id, 'hex')]);
