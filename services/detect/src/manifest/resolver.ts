// What the repository holds at a session's commit (design 7, "Repository manifest"). Locations come from configuration
// alone; the event's repository name only chooses among them.
import { lstat, mkdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isCommit, sha256Hex } from '@affidavit/model/digests.ts';
import type { Manifest } from '@affidavit/model/manifest.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import { evictCaches, makeCacheFolder, withFolderLock } from './cache-folder.ts';
import { ensureCommit, type GitCache, type GitSource } from './git-cache.ts';
import { gitManifest } from './git-manifest.ts';
import { defaultManifestLimits, type ManifestLimits } from './limits.ts';
import { type GitProtocol, gitProtocols, parseLocation } from './location.ts';
import { plainTreeManifest } from './plain-tree.ts';

/** Closed list; `note` is a sentence of it, the same on every machine (it may go into a statement). */
export type ManifestReason =
	| 'not-configured'
	| 'location-refused'
	| 'not-a-commit-id'
	| 'commit-not-found'
	| 'not-a-commit'
	| 'unreachable'
	| 'timeout'
	| 'too-large'
	| 'too-many-files'
	| 'unreadable'
	| 'no-git'
	| 'locked'
	| 'failed';

export interface ManifestRequest {
	/** Name that the build claims (GITHUB_REPOSITORY, ...); '' when it claims none. */
	repository: string;
	/** Commit that the build claims; '' when it claims none. */
	commit: string;
	/** Absolute path of the session's workspace; also looked up as a name. */
	workspace: string;
}

export interface ManifestAnswer {
	manifest: Manifest | null;
	/** '' when the manifest is the commit's; else what is to be known of it, or why there is none. */
	note: string;
	/** True when the manifest is the build's own word, not a repository's. */
	declared?: boolean;
}

export type ResolveManifest = (request: ManifestRequest) => Promise<ManifestAnswer>;

export interface ManifestResolverOptions {
	/** NAME to LOCATION: git URL, folder or bundle. From configuration only. */
	repositories: ReadonlyMap<string, string> | Readonly<Record<string, string>>;
	/** Folder of our own; made when absent. */
	cacheDir: string;
	limits?: Partial<ManifestLimits>;
	emit: Emit;
	/** Protocols that a location may use. */
	protocols?: readonly GitProtocol[];
	/** Variables that git gets besides the fixed ones, from configuration only (SSH_AUTH_SOCK, https_proxy). */
	environment?: Readonly<Record<string, string>>;
	/** Milliseconds; for how long failures are remembered. */
	now?: () => number;
}

const sentences: Record<ManifestReason, string> = {
	'not-configured': 'no location is configured for this repository (--repo NAME=LOCATION)',
	'location-refused': 'the configured location is none that git may be given',
	'not-a-commit-id': 'the build names no full commit id (40 or 64 lower-case hex digits)',
	'commit-not-found': 'the location does not hold the commit',
	'not-a-commit': 'the id names an object that is no commit',
	unreachable: 'the location could not be read',
	timeout: 'the location did not answer in time',
	'too-large': 'the repository is larger than the configured bound',
	'too-many-files': 'the commit holds more files than the configured bound',
	unreadable: 'the commit could not be read in full',
	'no-git': 'git is not installed on the machine that judges',
	locked: 'another process held the cache for too long',
	failed: 'the manifest could not be made',
};

const failuresMax = 256;
const plainTreeNote =
	'plain-folder: the location is no git repository; its files are compared as they are, the commit is not checked';

interface Failure {
	reason: ManifestReason;
	untilMs: number;
}

export function createManifestResolver(options: ManifestResolverOptions): ResolveManifest {
	const limits: ManifestLimits = { ...defaultManifestLimits, ...options.limits };
	const locations =
		options.repositories instanceof Map ? options.repositories : new Map(Object.entries(options.repositories));
	const now = options.now ?? Date.now;
	const known = new Map<string, Manifest>();
	const failures = new Map<string, Failure>();
	const underWay = new Map<string, Promise<ManifestAnswer>>();

	const fail = (reason: ManifestReason, repository: string, detail = ''): ManifestAnswer => {
		options.emit({
			name: 'manifest_unresolved',
			stage: 'detect',
			reason,
			intentional: false,
			message: `No manifest: ${sentences[reason]}.`,
			detail: { repository: repository.slice(0, 200), detail },
		});
		return { manifest: null, note: `${reason}: ${sentences[reason]}` };
	};

	const make = async (name: string, location: string, commit: string, key: string): Promise<ManifestAnswer> => {
		const failed = failures.get(key);
		if (failed && failed.untilMs > now()) return fail(failed.reason, name, 'remembered');
		failures.delete(key);
		let made: Made;
		try {
			made = await manifestAt(name, location, commit, { options, limits });
		} catch (cause) {
			// The disk is full, the cache is not ours, ...: the session is judged without a manifest, and says so.
			made = { kind: 'failed', reason: 'failed', detail: cause instanceof Error ? cause.message : String(cause) };
		}
		if (made.kind === 'failed') {
			remember(failures, key, { reason: made.reason, untilMs: now() + limits.retryAfterMs }, failuresMax);
			return fail(made.reason, name, made.detail);
		}
		if (made.note === '') remember(known, key, made.manifest, limits.manifestsMax);
		return { manifest: made.manifest, note: made.note };
	};

	return async ({ repository, commit, workspace }) => {
		const name = locations.has(repository) ? repository : workspace;
		const location = locations.get(name);
		if (location === undefined) return fail('not-configured', repository);
		// What is no commit id may be of any length; it is never looked up.
		const key = JSON.stringify([name, isCommit(commit) ? commit : '']);
		const manifest = known.get(key);
		if (manifest) return { manifest, note: '' };
		const running = underWay.get(key);
		if (running) return running;
		const work = make(name, location, commit, key).finally(() => underWay.delete(key));
		underWay.set(key, work);
		return work;
	};
}

/** Bounded: the oldest entry goes. */
function remember<T>(map: Map<string, T>, key: string, value: T, max: number): void {
	map.set(key, value);
	const oldest = map.size > max ? map.keys().next().value : undefined;
	if (oldest !== undefined) map.delete(oldest);
}

type Made =
	| { kind: 'made'; manifest: Manifest; note: string }
	| { kind: 'failed'; reason: ManifestReason; detail: string };

interface Setting {
	options: ManifestResolverOptions;
	limits: ManifestLimits;
}

async function manifestAt(name: string, location: string, commit: string, setting: Setting): Promise<Made> {
	const found = await sourceOf(location, setting.options.protocols ?? gitProtocols);
	if (found.kind === 'failed') return found;
	if (found.kind === 'plain') {
		const made = await plainTreeManifest(found.path, name, isCommit(commit) ? commit : '', setting.limits);
		return made.kind === 'manifest'
			? { kind: 'made', manifest: made.manifest, note: plainTreeNote }
			: { ...made, detail: '' };
	}
	if (!isCommit(commit))
		return { kind: 'failed', reason: 'not-a-commit-id', detail: JSON.stringify(commit.slice(0, 80)) };
	return gitManifestAt(name, commit, found.source, setting);
}

type Found =
	| { kind: 'git'; source: GitSource }
	| { kind: 'plain'; path: string }
	| { kind: 'failed'; reason: ManifestReason; detail: string };

async function sourceOf(text: string, protocols: readonly GitProtocol[]): Promise<Found> {
	const location = parseLocation(text, protocols);
	if (location.kind === 'refused') return { kind: 'failed', reason: 'location-refused', detail: location.why };
	if (location.kind === 'remote') return { kind: 'git', source: location };
	const path = resolve(location.path);
	const there = await stat(path).catch(() => null);
	if (there?.isFile()) return { kind: 'git', source: { kind: 'bundle', path } };
	if (!there?.isDirectory()) return { kind: 'failed', reason: 'unreachable', detail: 'no such folder or file' };
	const dotGit = await lstat(join(path, '.git')).catch(() => null);
	// It would lead git to a repository that the configuration does not name.
	if (dotGit?.isSymbolicLink())
		return { kind: 'failed', reason: 'location-refused', detail: 'its .git is a symbolic link' };
	if (dotGit || (await isBareRepository(path))) return { kind: 'git', source: { kind: 'folder', path } };
	return { kind: 'plain', path };
}

async function isBareRepository(path: string): Promise<boolean> {
	const [head, objects, refs] = await Promise.all(
		['HEAD', 'objects', 'refs'].map((name) => lstat(join(path, name)).catch(() => null)),
	);
	return Boolean(head?.isFile() && objects?.isDirectory() && refs?.isDirectory());
}

async function gitManifestAt(
	name: string,
	commit: string,
	source: GitSource,
	{ options, limits }: Setting,
): Promise<Made> {
	const key = sha256Hex(`${commit.length === 64 ? 'sha256' : 'sha1'} ${JSON.stringify(source)}`).slice(0, 32);
	const cache: GitCache = {
		folder: join(options.cacheDir, key),
		source,
		environment: options.environment ?? {},
		limits,
	};
	await mkdir(options.cacheDir, { recursive: true, mode: 0o700 });
	const work = async (): Promise<Made> => {
		await makeCacheFolder(cache.folder, Date.now());
		const evicted = await evictCaches(options.cacheDir, key, limits.cachesMax);
		if (evicted > 0)
			options.emit({
				name: 'manifest_cache_evicted',
				stage: 'detect',
				reason: 'too-many-caches',
				intentional: true,
				count: evicted,
				message: 'Removed the least recently used repository caches.',
			});
		const commitThere = await ensureCommit(cache, commit);
		if (commitThere.kind === 'absent')
			return { kind: 'failed', reason: commitThere.reason, detail: commitThere.detail };
		const made = await gitManifest(cache, name, commit);
		return made.kind === 'manifest' ? { kind: 'made', manifest: made.manifest, note: '' } : made;
	};
	// Two fetches and a handful of reads are the most that one turn takes.
	const heldMsMax = 2 * limits.fetchMsMax + 6 * limits.readMsMax;
	const made = await withFolderLock(cache.folder, { waitMs: limits.lockMsMax, heldMsMax }, work);
	return made ?? { kind: 'failed', reason: 'locked', detail: '' };
}
