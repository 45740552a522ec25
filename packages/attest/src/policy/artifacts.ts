// Materials and artifacts of collections, and whether one step's materials are another's artifacts (go-witness policy.go).
import type { Collection } from './collection.ts';
import type { DigestSet } from './digest-set.ts';
import { describeDigests, equalDigestSets } from './digest-set.ts';
import { mismatchesShownMax } from './result.ts';

/** Path → digests. */
export type Artifacts = ReadonlyMap<string, DigestSet>;

export function materialsOf(collection: Collection): Artifacts {
	const materials = new Map<string, DigestSet>();
	for (const { about, attestor } of collection.attestations) addAll(materials, about.materials?.(attestor));
	return materials;
}

/** Materials and products together; a product stands for the material that it replaced. */
export function artifactsOf(collection: Collection): Artifacts {
	const artifacts = new Map(materialsOf(collection));
	for (const { about, attestor } of collection.attestations) {
		const products = about.products?.(attestor);
		if (products) for (const path of Object.keys(products)) artifacts.set(path, products[path]?.digest ?? {});
	}
	return artifacts;
}

function addAll(to: Map<string, DigestSet>, from: Readonly<Record<string, DigestSet>> | undefined): void {
	if (from) for (const path of Object.keys(from)) to.set(path, from[path] ?? {});
}

export interface Comparison {
	/** Paths in both. */
	common: number;
	/** Those of them that differ, at most mismatchesShownMax, in the order of paths. */
	mismatches: { path: string; material: string; artifact: string }[];
	/** Those of them that differ. */
	differing: number;
}

export function compareArtifacts(materials: Artifacts, artifacts: Artifacts): Comparison {
	let common = 0;
	const differing: string[] = [];
	for (const [path, material] of materials) {
		const artifact = artifacts.get(path);
		if (artifact === undefined) continue;
		common++;
		if (!equalDigestSets(material, artifact)) differing.push(path);
	}
	const mismatches = differing
		.sort()
		.slice(0, mismatchesShownMax)
		.map((path) => ({
			path,
			material: describeDigests(materials.get(path) ?? {}),
			artifact: describeDigests(artifacts.get(path) ?? {}),
		}));
	return { common, mismatches, differing: differing.length };
}

export const isSame = ({ common, differing }: Comparison): boolean => common > 0 && differing === 0;

/** As the real engine says it. */
export function describeComparison({ common, mismatches, differing }: Comparison): string {
	if (common === 0) return "no artifacts in common between the step's materials and the referenced step's artifacts";
	const [first] = mismatches;
	if (first === undefined) return `${common} artifacts in common, all the same`;
	return `mismatched digests for ${first.path}${differing > 1 ? ` and ${differing - 1} more` : ''}`;
}
