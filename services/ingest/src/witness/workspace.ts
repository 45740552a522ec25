// Where the build worked: a Witness attestation does not say. Materials are named from the working folder, opens by
// absolute path: the folder that brings most of them together is it.

import { posix } from 'node:path';

export interface WorkspaceInput {
	/** Absolute paths that were opened, with their digests ('' none). */
	opens: Iterable<{ path: string; digest: string }>;
	/** Path from the working folder → sha256. */
	files: ReadonlyMap<string, string>;
	/** Folders that the environment names (PWD, GITHUB_WORKSPACE): believed where nothing else tells. */
	named: readonly string[];
}

/** Stands for a working folder that nothing names. */
export const unnamedWorkspace = '/imported-workspace';

/** Folders above a path that are tried. */
const depthMax = 64;
/** Folders that can be voted for. */
const candidatesMax = 10_000;

/** An open with the material's own digest tells far more than one of a file with the same name. */
const agreeingVote = 1_000;

/** Absolute, without a slash at its end; '' when nothing tells and nothing is named. */
export function findWorkspace({ opens, files, named }: WorkspaceInput): string {
	const votes = new Map<string, number>();
	const counted = new Set<string>();
	for (const { path: given, digest } of opens) {
		if (files.size === 0) break;
		const path = resolvedPath(given, '');
		if (!path.startsWith('/') || counted.has(path)) continue;
		counted.add(path);
		let at = path.lastIndexOf('/');
		for (let depth = 0; at > 0 && depth < depthMax; depth++) {
			const expected = files.get(path.slice(at + 1));
			const folder = path.slice(0, at);
			if (expected !== undefined && (votes.size < candidatesMax || votes.has(folder)))
				votes.set(folder, (votes.get(folder) ?? 0) + (expected !== '' && expected === digest ? agreeingVote : 1));
			at = path.lastIndexOf('/', at - 1);
		}
	}
	let best = '';
	let most = 0;
	for (const [folder, count] of votes) {
		const preferred = named.includes(folder);
		if (count < most || (count === most && !preferred && (named.includes(best) || folder >= best))) continue;
		best = folder;
		most = count;
	}
	if (best !== '') return best;
	const fallback = named.find((folder) => folder.startsWith('/') && folder.length > 1) ?? '';
	return fallback.length > 1 && fallback.endsWith('/') ? fallback.slice(0, -1) : fallback;
}

/**
 * A relative path counts from the workspace; without one it stays what it is. Dots are taken out as text, since a tracer of
 * system calls records what the task wrote: `/w/src/../a.h` must not pass by what is expected of `/w/a.h`.
 */
export function resolvedPath(path: string, workspace: string): string {
	if (!path.startsWith('/')) return workspace === '' ? path : posix.join(workspace, path);
	return path.includes('/.') || path.includes('//') ? posix.normalize(path) : path;
}

/** A program's name without a slash is no path: the tracer knew no more. */
export const programPath = (program: string, workspace: string): string =>
	program.includes('/') ? resolvedPath(program, workspace) : program;
