// Which steps' products were the materials of which: what `artifactsFrom` may ask for; pure.
import type { DigestSet, Material, Products } from '@affidavit/attest/generated/witness-collection-v0.1.ts';
import { materialType, productType } from '@affidavit/attest/type-uris.ts';
import type { GoodBuild } from './init-session.ts';

/** Steps whose artifacts every build of `step` read: some product of a build before it, and nothing that differs. */
export function artifactsFrom(step: string, steps: ReadonlyMap<string, readonly GoodBuild[]>): string[] {
	const builds = steps.get(step) ?? [];
	return [...steps.keys()].filter(
		(other) => other !== step && builds.every((build) => (steps.get(other) ?? []).some((from) => feeds(from, build))),
	);
}

function feeds(from: GoodBuild, to: GoodBuild): boolean {
	if (from.summary.startedAt >= to.summary.startedAt) return false;
	const products = filesOf(from, productType);
	// As Witness compares: what a step left of a path is its artifact.
	const artifacts = new Map([...filesOf(from, materialType), ...products]);
	let isFed = false;
	for (const [path, read] of filesOf(to, materialType)) {
		const artifact = artifacts.get(path);
		if (artifact !== undefined && artifact !== read) return false;
		isFed ||= products.get(path) === read;
	}
	return isFed;
}

/** sha256 by path. */
function filesOf({ collection }: GoodBuild, type: typeof materialType | typeof productType): Map<string, string> {
	const files = new Map<string, string>();
	for (const entry of collection.attestations) {
		if (entry.type !== type) continue;
		const listed = entry.attestation as Material | Products;
		for (const [path, file] of Object.entries(listed)) {
			const { sha256 } = type === productType ? (file.digest as DigestSet) : (file as DigestSet);
			if (sha256 !== undefined) files.set(path, sha256);
		}
	}
	return files;
}
