// artifactsFrom: the materials of a step must be the artifacts of the steps that it names (go-witness policy.go).
import { compareArtifacts, describeComparison, isSame } from './artifacts.ts';
import type { JudgedCollection } from './judge-collection.ts';
import type { Policy } from './policy-model.ts';
import type { ArtifactNode, PolicyMode } from './result.ts';

/** Paths that are compared for one verification: every collection of a step may meet every one of the step before. */
export const comparedPathsMax = 2_000_000;

/** Counts down. */
interface Work {
	pathsLeft: number;
}

/** Writes the artifact nodes, and takes back what is not linked. `passed`: collections by step that passed all else. */
export function linkArtifacts(
	policy: Policy,
	passed: ReadonlyMap<string, readonly JudgedCollection[]>,
	mode: PolicyMode,
): void {
	const work: Work = { pathsLeft: comparedPathsMax };
	const linked = new Map<string, readonly JudgedCollection[]>(passed);
	for (const { name, artifactsFrom } of policy.steps)
		for (const collection of passed.get(name) ?? [])
			collection.node.artifacts = artifactsFrom.map((from) =>
				compareWithStep(collection, from, passed.get(from) ?? [], work),
			);
	for (let changed = true; changed; ) {
		changed = false;
		for (const { name, artifactsFrom } of policy.steps) {
			const before = linked.get(name) ?? [];
			const after = before.filter(({ node }) => node.artifacts.every((artifact) => artifact.accepted));
			if (after.length < before.length) linked.set(name, after);
			if (mode === 'witness' || after.length === before.length || artifactsFrom.length === 0) continue;
			changed = true;
			recompare(policy, linked, name, work);
		}
	}
	for (const collections of passed.values())
		for (const { node } of collections) {
			const failed = node.artifacts.find(({ accepted }) => !accepted);
			if (!failed) continue;
			node.accepted = false;
			node.reason = failed.reason;
		}
}

/** Strict mode: a collection that comes from nowhere accepted is no source for others. The real engine keeps it as one. */
function recompare(
	policy: Policy,
	linked: ReadonlyMap<string, readonly JudgedCollection[]>,
	changed: string,
	work: Work,
): void {
	for (const { name, artifactsFrom } of policy.steps) {
		const position = artifactsFrom.indexOf(changed);
		if (position < 0) continue;
		for (const collection of linked.get(name) ?? []) {
			const { node } = collection;
			if (!node.artifacts[position]?.accepted) continue;
			const again = compareWithStep(collection, changed, linked.get(changed) ?? [], work);
			if (again.accepted) continue;
			const message = `the collections of step ${changed} that it comes from are not linked to the steps before them`;
			node.artifacts[position] = { ...again, reason: message };
			node.traps.push({ code: 'artifacts-from-unlinked', message });
		}
	}
}

function compareWithStep(
	{ materials }: JudgedCollection,
	from: string,
	sources: readonly JudgedCollection[],
	work: Work,
): ArtifactNode {
	let best: ArtifactNode | null = null;
	for (const { artifacts, node } of sources) {
		work.pathsLeft -= materials.size + 1;
		if (work.pathsLeft < 0) {
			const reason = `failed to verify artifacts: more than ${comparedPathsMax} paths to compare`;
			return { from, accepted: false, reason, common: 0, mismatches: [] };
		}
		const comparison = compareArtifacts(materials, artifacts);
		const { common, mismatches } = comparison;
		if (isSame(comparison))
			return {
				from,
				accepted: true,
				reason: `${common} in common with ${node.envelope}, all the same`,
				common,
				mismatches,
			};
		const reason = `failed to verify artifacts: [${describeComparison(comparison)}] (${node.envelope})`;
		// The nearest miss tells most.
		if (best === null || common > best.common) best = { from, accepted: false, reason, common, mismatches };
	}
	const reason = `failed to verify artifacts: no passed collections of step ${from}`;
	return best ?? { from, accepted: false, reason, common: 0, mismatches: [] };
}
