// The manifest of one commit that lies in the cache: tree, attributes, contents.
import type { Manifest, ManifestFile } from '@affidavit/model/manifest.ts';
import { changedByAttributes } from './attributes.ts';
import { type BlobDigest, createBatchReader } from './blobs.ts';
import { readDigestCache, writeDigestCache } from './digest-cache.ts';
import { runGit } from './git.ts';
import { baseRun, type GitCache } from './git-cache.ts';
import type { ManifestLimits } from './limits.ts';
import { createTreeReader, isWorkTreePath, type TreeEntry } from './tree.ts';

export type GitManifestOutcome =
	| { kind: 'manifest'; manifest: Manifest }
	| { kind: 'failed'; reason: 'too-many-files' | 'unreadable'; detail: string };

export async function gitManifest(cache: GitCache, repository: string, commit: string): Promise<GitManifestOutcome> {
	const reader = createTreeReader(cache.limits);
	const listed = await runGit({
		...baseRun(cache, ['ls-tree', '-r', '-z', '-l', '--full-tree', '--end-of-options', commit]),
		onStdout: (chunk) => reader.push(chunk),
	});
	const tree = reader.end();
	if (tree.kind === 'too-many') return { kind: 'failed', reason: 'too-many-files', detail: '' };
	if (listed.kind === 'failed') return unreadable(listed.detail);
	if (tree.kind === 'malformed') return unreadable(tree.why);

	const planned = planTree(tree.entries, cache.limits);
	const paths = planned.contents.map((e) => e.path);
	const attributes = await changedByAttributes(cache, commit, paths);
	if (attributes.kind === 'failed') return unreadable(attributes.detail);
	for (const [path, reason] of attributes.reasons) planned.unresolved.set(path, reason);

	const wanted = planned.contents.filter((e) => !planned.unresolved.has(e.path));
	const hashed = await hashBlobs(cache, wanted);
	if (hashed.kind === 'failed') return hashed;
	return {
		kind: 'manifest',
		manifest: manifestOf(repository, commit, wanted, hashed.digests, planned.unresolved),
	};
}

const unreadable = (detail: string): { kind: 'failed'; reason: 'unreadable'; detail: string } => ({
	kind: 'failed',
	reason: 'unreadable',
	detail,
});

/** Splits a tree into what is hashed and what the repository alone cannot tell. In tree order, so always the same way. */
export function planTree(
	entries: readonly TreeEntry[],
	limits: Pick<ManifestLimits, 'fileBytesMax' | 'blobBytesMax'>,
): { contents: TreeEntry[]; unresolved: Map<string, string> } {
	const contents: TreeEntry[] = [];
	const unresolved = new Map<string, string>();
	const seen = new Set<string>();
	let bytes = 0;
	for (const entry of entries) {
		const reason = reasonOf(entry);
		if (reason !== null) {
			unresolved.set(entry.path, reason);
			continue;
		}
		const added = seen.has(entry.id) ? 0 : entry.size;
		if (entry.size > limits.fileBytesMax || bytes + added > limits.blobBytesMax) {
			unresolved.set(entry.path, 'too-large');
			continue;
		}
		bytes += added;
		seen.add(entry.id);
		contents.push(entry);
	}
	return { contents, unresolved };
}

function reasonOf(entry: TreeEntry): string | null {
	if (entry.type === 'submodule') return 'submodule';
	if (entry.type === 'link') return 'symlink';
	if (!entry.utf8) return 'path-encoding';
	return isWorkTreePath(entry.path) ? null : 'path-refused';
}

type HashOutcome =
	| { kind: 'hashed'; digests: Map<string, BlobDigest> }
	| { kind: 'failed'; reason: 'unreadable'; detail: string };

async function hashBlobs(cache: GitCache, entries: readonly TreeEntry[]): Promise<HashOutcome> {
	const known = await readDigestCache(cache.folder, cache.limits.digestsMax);
	const digests = new Map<string, BlobDigest>();
	const missing = new Set<string>();
	for (const { id } of entries) {
		const digest = known.get(id);
		if (digest) digests.set(id, digest);
		else missing.add(id);
	}
	if (missing.size === 0) return { kind: 'hashed', digests };
	const reader = createBatchReader();
	const run = await runGit({
		...baseRun(cache, ['cat-file', '--batch', '--buffer']),
		input: `${[...missing].join('\n')}\n`,
		onStdout: (chunk) => reader.push(chunk),
	});
	const result = reader.end();
	if (run.kind === 'failed') return unreadable(run.detail);
	if (result.kind === 'malformed') return unreadable(result.why);
	for (const [id, digest] of result.digests) digests.set(id, digest);
	for (const id of missing) if (!digests.has(id)) return unreadable(`no content for blob ${id}`);
	await writeDigestCache(cache.folder, known, result.digests, digests, cache.limits.digestsMax);
	return { kind: 'hashed', digests };
}

function manifestOf(
	repository: string,
	commit: string,
	entries: readonly TreeEntry[],
	digests: ReadonlyMap<string, BlobDigest>,
	reasons: ReadonlyMap<string, string>,
): Manifest {
	// Null prototypes: a file may be called __proto__.
	const files: Record<string, ManifestFile> = Object.create(null);
	const unresolved: Record<string, string> = Object.create(null);
	for (const [path, reason] of reasons) unresolved[path] = reason;
	for (const { id, path } of entries) {
		const digest = digests.get(id) as BlobDigest;
		if (digest.lfs) unresolved[path] = 'lfs';
		else files[path] = { sha256: digest.sha256, size: digest.size };
	}
	return { version: 1, repository, commit, files, unresolved };
}
