// The repository manifest as the judges ask it.
import type { Manifest, ManifestFile } from '@affidavit/model/manifest.ts';
import { isInside } from '@affidavit/model/paths.ts';

export interface Repository {
	/** False when repository or commit could not be resolved: nothing is expected of any file then. */
	known: boolean;
	/** Commit that the manifest is of; empty when unknown. */
	commit: string;
	/** `path`: from the repository's root. */
	file(path: string): ManifestFile | undefined;
	/** Why the content of a committed path cannot be told from the repository alone; undefined when it can. */
	unresolved(path: string): string | undefined;
}

export function createRepository(manifest: Manifest | null): Repository {
	if (!manifest) return { known: false, commit: '', file: () => undefined, unresolved: () => undefined };
	const { files, unresolved } = manifest;
	// A submodule is one unresolved path for all files below it.
	const folders = Object.keys(unresolved).filter((path) => unresolved[path]?.startsWith('submodule'));
	return {
		known: true,
		commit: manifest.commit,
		// A path may be called __proto__ or constructor.
		file: (path) => (Object.hasOwn(files, path) ? files[path] : undefined),
		unresolved: (path) => {
			if (Object.hasOwn(unresolved, path)) return unresolved[path];
			const folder = folders.find((dir) => isInside(path, dir));
			return folder === undefined ? undefined : unresolved[folder];
		},
	};
}
