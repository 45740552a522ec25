// How deep a tree is. Long chains of operators are deep without brackets, and whoever walks the tree does so by recursion.
import type { Problem } from '../errors.ts';
import type { Expression, Rule } from './ast.ts';

export const depthMax = 1_000;

/** Counts objects and lists within one another: a term within a term is one or two levels. */
export function depthProblem(roots: readonly (Rule | Expression)[]): Problem | null {
	for (const root of roots) {
		if (!isDeeper(root, depthMax)) continue;
		return { code: 'limit', message: `expressions nested more than ${depthMax} levels deep`, place: root.place };
	}
	return null;
}

/** Recurses itself, but no deeper than `levels`. */
function isDeeper(node: object, levels: number): boolean {
	if (levels < 0) return true;
	if (Array.isArray(node)) {
		for (const item of node) if (typeof item === 'object' && item !== null && isDeeper(item, levels - 1)) return true;
		return false;
	}
	for (const key in node) {
		if (key === 'place') continue;
		const child = (node as Record<string, unknown>)[key];
		if (typeof child === 'object' && child !== null && isDeeper(child, levels - 1)) return true;
	}
	return false;
}
