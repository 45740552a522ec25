// How deep a tree is. Long chains of operators are deep without brackets, and whoever walks the tree does so by recursion.
import type { Place, Problem } from '../errors.ts';
import type { Expression, Rule } from './ast.ts';

export const depthMax = 1_000;

/** Without recursion of its own. Counts objects within objects: a term within a term is one or two levels. */
export function depthProblem(roots: readonly (Rule | Expression)[]): Problem | null {
	const pending: { node: object; depth: number; place: Place }[] = [];
	for (const root of roots) pending.push({ node: root, depth: 0, place: root.place });
	for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
		const { node, depth, place } = next;
		if (depth > depthMax)
			return { code: 'limit', message: `expressions nested more than ${depthMax} levels deep`, place };
		for (const child of Object.values(node)) {
			if (typeof child !== 'object' || child === null || isPlace(child)) continue;
			pending.push({ node: child, depth: depth + 1, place });
		}
	}
	return null;
}

const isPlace = (child: object): boolean => 'module' in child;
