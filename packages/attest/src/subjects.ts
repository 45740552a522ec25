// Subjects as Witness names them, and the match of an artifact against them.
import type { Subject } from './statement.ts';
import { gitType, productType } from './type-uris.ts';

const productPrefix = `${productType}/file:`;

export const productSubject = (path: string, sha256: string): Subject => ({
	name: `${productPrefix}${path}`,
	digest: { sha256 },
});

/** SHA-256 repositories have 64-digit ids; Witness knows sha1 and sha256 alike. */
export const commitSubject = (commit: string): Subject => ({
	name: `${gitType}/commithash:${commit}`,
	digest: commit.length === 40 ? { sha1: commit } : { sha256: commit },
});

/** Paths of the products that have this sha256. Other subjects (commits, executed tools) never match: else a compiler verifies as what it built. */
export function productsWithDigest(subjects: readonly Subject[], sha256: string): string[] {
	const paths: string[] = [];
	for (const { name, digest } of subjects)
		if (digest['sha256'] === sha256 && name.startsWith(productPrefix)) paths.push(name.slice(productPrefix.length));
	return paths;
}
