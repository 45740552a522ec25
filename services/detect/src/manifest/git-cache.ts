// The bare cache of one location: has it the commit, and if not, fetch it. Objects are checked on the way in (fsck),
// so that what lies in the cache is what its ids say.
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { folderBytes } from './cache-folder.ts';
import { type GitOutcome, type GitRun, runGit } from './git.ts';
import type { ManifestLimits } from './limits.ts';
import type { GitProtocol } from './location.ts';

export type GitSource =
	| { kind: 'remote'; protocol: GitProtocol; url: string }
	/** A repository in a folder of this machine. */
	| { kind: 'folder'; path: string }
	| { kind: 'bundle'; path: string };

export interface GitCache {
	/** The cache's folder; the repository is `repo` in it. */
	folder: string;
	source: GitSource;
	environment: Readonly<Record<string, string>>;
	limits: ManifestLimits;
}

export type CommitOutcome =
	| { kind: 'present' }
	| {
			kind: 'absent';
			reason: 'commit-not-found' | 'not-a-commit' | 'unreachable' | 'timeout' | 'too-large' | 'no-git';
			detail: string;
	  };

export const gitDirOf = (cache: GitCache): string => join(cache.folder, 'repo');

/** What every git run on this cache has in common. */
export const baseRun = (cache: GitCache, args: readonly string[]): GitRun => ({
	gitDir: gitDirOf(cache),
	globalConfig: join(cache.folder, 'gitconfig'),
	protocol: null,
	timeoutMs: cache.limits.readMsMax,
	environment: cache.environment,
	args,
});

/** Makes sure that the commit and all it needs lie in the cache. */
export async function ensureCommit(cache: GitCache, commit: string): Promise<CommitOutcome> {
	const made = await makeRepository(cache, commit);
	if (made.kind === 'failed') return absentBy(made);
	const before = await typeOf(cache, commit);
	if (before === 'commit') return { kind: 'present' };
	if (before !== '') return { kind: 'absent', reason: 'not-a-commit', detail: `the object is a ${before}` };
	let failure: GitOutcome = { kind: 'done' };
	for (const args of attempts(cache.source, commit)) {
		const outcome = await fetch(cache, args);
		if (outcome.kind === 'failed' && outcome.reason !== 'exit') return absentBy(outcome);
		if (outcome.kind === 'failed') failure = outcome;
		if (await isOverBound(cache)) return { kind: 'absent', reason: 'too-large', detail: 'after the fetch' };
		const type = await typeOf(cache, commit);
		if (type === 'commit') return { kind: 'present' };
		if (type !== '') return { kind: 'absent', reason: 'not-a-commit', detail: `the object is a ${type}` };
		// The location answered and has no such commit: another refspec may still hold it.
		if (outcome.kind === 'done') failure = outcome;
	}
	return failure.kind === 'failed'
		? { kind: 'absent', reason: 'unreachable', detail: failure.detail }
		: { kind: 'absent', reason: 'commit-not-found', detail: '' };
}

function absentBy(outcome: Extract<GitOutcome, { kind: 'failed' }>): CommitOutcome {
	const reason =
		outcome.reason === 'stopped' ? 'too-large' : outcome.reason === 'exit' ? 'unreachable' : outcome.reason;
	return { kind: 'absent', reason, detail: outcome.detail };
}

async function makeRepository(cache: GitCache, commit: string): Promise<GitOutcome> {
	const gitDir = gitDirOf(cache);
	const { source } = cache;
	await isOverBound(cache);
	// Our word that the configured folder may belong to another user; nothing else is in this file.
	const safe =
		source.kind === 'folder'
			? [source.path, join(source.path, '.git')].map((p) => `\tdirectory = ${JSON.stringify(p)}\n`).join('')
			: '';
	await writeFile(join(cache.folder, 'gitconfig'), `[safe]\n${safe}`, { mode: 0o600 });
	if (await stat(join(gitDir, 'HEAD')).catch(() => null)) return { kind: 'done' };
	await rm(gitDir, { recursive: true, force: true });
	await mkdir(gitDir, { mode: 0o700 });
	const format = commit.length === 64 ? 'sha256' : 'sha1';
	return runGit(baseRun(cache, ['init', '--quiet', '--bare', '--template=', `--object-format=${format}`]));
}

/** A repository that has outgrown its bound is dropped, so that the next use starts afresh. */
async function isOverBound(cache: GitCache): Promise<boolean> {
	const { cacheBytesMax } = cache.limits;
	if ((await folderBytes(cache.folder, cacheBytesMax)) <= cacheBytesMax) return false;
	await rm(gitDirOf(cache), { recursive: true, force: true });
	return true;
}

/** Type of an object in the cache; '' when it is not there. */
async function typeOf(cache: GitCache, id: string): Promise<string> {
	let text = '';
	await runGit({
		...baseRun(cache, ['cat-file', '--batch-check=%(objecttype)']),
		input: `${id}\n`,
		onStdout: (chunk) => {
			text += chunk.toString('latin1');
			return text.length < 256;
		},
	});
	const type = text.trim();
	return type === 'commit' || type === 'tree' || type === 'blob' || type === 'tag' ? type : '';
}

/** The commit alone where the other side can give that; else everything it names. */
function attempts(source: GitSource, commit: string): string[][] {
	const alone = `+${commit}:refs/affidavit/${commit}`;
	const all = '+refs/*:refs/source/*';
	if (source.kind === 'bundle') {
		const path = resolve(source.path);
		return [
			[path, all],
			[path, '+HEAD:refs/source/HEAD'],
		];
	}
	const url = source.kind === 'remote' ? source.url : pathToFileURL(source.path).href;
	return [
		['--depth=1', url, alone],
		['--update-shallow', url, '+refs/heads/*:refs/source/heads/*', '+refs/tags/*:refs/source/tags/*'],
	];
}

function fetch(cache: GitCache, args: readonly string[]): Promise<GitOutcome> {
	const options = args.filter((a) => a.startsWith('--'));
	const rest = args.filter((a) => !a.startsWith('--'));
	const { cacheBytesMax, fetchMsMax } = cache.limits;
	return runGit({
		...baseRun(cache, [
			'fetch',
			'--quiet',
			'--no-tags',
			'--no-write-fetch-head',
			'--no-recurse-submodules',
			'--no-auto-maintenance',
			...options,
			'--end-of-options',
			...rest,
		]),
		protocol: cache.source.kind === 'remote' ? cache.source.protocol : 'file',
		timeoutMs: fetchMsMax,
		watch: async () => (await folderBytes(cache.folder, cacheBytesMax)) <= cacheBytesMax,
	});
}
