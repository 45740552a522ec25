// A manifest on the build's own word: what it recorded of its materials before it ran. Better than nothing, worse than the
// repository: content that was changed before the step began is taken for what it should be.
import { isSha256 } from '@affidavit/model/digests.ts';
import type { Manifest, ManifestFile } from '@affidavit/model/manifest.ts';
import type { ResolveManifest } from './resolver.ts';

/** Files of a declared manifest, at most. */
export const declaredFilesMax = 500_000;

export const declaredNote =
	'declared: the expectation is what the build itself recorded before it ran, not what the repository holds';

/** `materials`: path from the workspace to sha256. null when there is none, or more than `declaredFilesMax`. */
export function declaredManifest(repository: string, materials: ReadonlyMap<string, string>): Manifest | null {
	if (materials.size === 0 || materials.size > declaredFilesMax) return null;
	// A null prototype: a file may be called __proto__.
	const files: Record<string, ManifestFile> = Object.create(null);
	for (const [path, sha256] of materials) {
		if (!isSha256(sha256)) throw new RangeError(`materials: ${JSON.stringify(path)}: expected a sha256 in hex`);
		// A material has no size.
		files[path] = { sha256, size: -1 };
	}
	// No commit: the build names one, but nobody has compared these files with it.
	return { version: 1, repository, commit: '', files, unresolved: Object.create(null) };
}

/** The repository where `configured` and it can be had, else the declared manifest, and then the note says so. */
export function orDeclared(resolve: ResolveManifest, declared: Manifest | null, configured: boolean): ResolveManifest {
	return async (request) => {
		const answer = configured
			? await resolve(request)
			: { manifest: null, note: 'not-configured: no repository was given (--repo NAME=LOCATION)' };
		if (answer.manifest !== null || declared === null) return answer;
		return { manifest: declared, note: `${declaredNote} (${answer.note})`, declared: true };
	};
}
