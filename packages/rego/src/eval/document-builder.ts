// Builds the object of rules with general heads (a.b[x].c), which may meet in one another's branches.
import type { Place } from '../errors.ts';
import { canonicalKey } from '../value/canonical.ts';
import { equalValues } from '../value/compare.ts';
import { type Key, RegoMap, RegoSet, type Value } from '../value/value.ts';
import { abort, keyConflict } from './abort.ts';

interface Branch {
	kind: 'branch';
	children: Map<Key, { key: Value; node: Branch | Leaf }>;
}

interface Leaf {
	kind: 'leaf';
	value: Value;
	/** A set that grows; other leaves must be equal where they meet. */
	growing: RegoSet | null;
}

export interface DocumentBuilder {
	/** Where the rules that run add their paths. */
	prefix: readonly Value[];
	add(path: readonly Value[], value: Value, place: Place): void;
	addElement(path: readonly Value[], element: Value, place: Place): void;
	addSet(path: readonly Value[], set: RegoSet, place: Place): void;
	build(): Value;
}

export function documentBuilder(group: { name: string }): DocumentBuilder {
	const root: Branch = { kind: 'branch', children: new Map() };
	const conflict = (place: Place): never => abort('conflict', `${keyConflict} (${group.name})`, place);

	const branchAt = (path: readonly Value[], place: Place): Branch => {
		let branch = root;
		for (let i = 0; i < path.length - 1; i++) {
			const key = path[i] as Value;
			const id = canonicalKey(key);
			let entry = branch.children.get(id);
			if (entry === undefined) {
				entry = { key, node: { kind: 'branch', children: new Map() } };
				branch.children.set(id, entry);
			}
			if (entry.node.kind === 'leaf') return conflict(place);
			branch = entry.node;
		}
		return branch;
	};

	const leafAt = (path: readonly Value[], place: Place, make: () => Leaf): Leaf => {
		const branch = branchAt(path, place);
		const key = path.at(-1) as Value;
		const id = canonicalKey(key);
		const entry = branch.children.get(id);
		if (entry !== undefined) return entry.node.kind === 'leaf' ? entry.node : conflict(place);
		const leaf = make();
		branch.children.set(id, { key, node: leaf });
		return leaf;
	};

	const growingAt = (path: readonly Value[], place: Place): RegoSet => {
		const leaf = leafAt(path, place, () => {
			const set = new RegoSet();
			return { kind: 'leaf', value: set, growing: set };
		});
		return leaf.growing ?? conflict(place);
	};

	return {
		prefix: [],
		add(path, value, place) {
			const leaf = leafAt(path, place, () => ({ kind: 'leaf', value, growing: null }));
			if (!equalValues(leaf.value, value)) conflict(place);
		},
		addElement(path, element, place) {
			growingAt(path, place).add(element);
		},
		addSet(path, set, place) {
			const growing = growingAt(path, place);
			for (const item of set.items()) growing.add(item);
		},
		build: () => valueOfBranch(root),
	};
}

function valueOfBranch(branch: Branch): RegoMap {
	const map = new RegoMap();
	for (const { key, node } of branch.children.values()) {
		map.set(key, node.kind === 'leaf' ? node.value : valueOfBranch(node));
	}
	return map;
}
