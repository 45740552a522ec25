// Where a file lies as a finding names it.
import { isInside, relativeTo } from '@affidavit/model/paths.ts';

export interface Workspace {
	/** Absolute path, without a slash at its end; empty when the session claims none. */
	root: string;
	contains(path: string): boolean;
	/** Relative to the workspace inside it, else as it is. */
	display(path: string): string;
	/** True for git's own files: they are never an input of a compiler. */
	isGit(path: string): boolean;
}

export function createWorkspace(claimed: string): Workspace {
	// A workspace of '/' would make the whole host part of the build: it is none.
	const root = claimed.replace(/\/+$/, '');
	const gitDir = root === '' ? '' : `${root}/.git`;
	return {
		root,
		contains: (path) => root !== '' && isInside(path, root),
		display: (path) => (root === '' ? path : relativeTo(path, root)),
		isGit: (path) => gitDir !== '' && isInside(path, gitDir),
	};
}
