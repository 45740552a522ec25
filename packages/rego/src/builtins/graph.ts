// graph.reachable and graph.reachable_paths: an object maps each vertex to the array or set of its neighbours.
import { isArray, isObject, isSet, objectGet, type RegoObject, RegoSet, type Value } from '../value/value.ts';
import type { Builtin, BuiltinContext, BuiltinError } from './builtin.ts';
import { beyondLimit, binary, itemsOf, type Result, wrongType } from './operand.ts';

/** A path of more vertices than this exceeds the limit. */
const pathMax = 1_000;

function neighbours(graph: RegoObject, vertex: Value, context: BuiltinContext): readonly Value[] | undefined {
	context.charge(1);
	const edges = objectGet(graph, vertex);
	return edges === undefined ? undefined : (itemsOf(edges) ?? []);
}

function checked(graph: Value, initial: Value): BuiltinError | undefined {
	if (!isObject(graph)) return wrongType(1, graph, 'object');
	if (!isArray(initial) && !isSet(initial)) return wrongType(2, initial, '{array, set}');
	return undefined;
}

function reachable(graph: Value, initial: Value, context: BuiltinContext): Result {
	const refusal = checked(graph, initial);
	if (refusal !== undefined) return refusal;
	const reached = new RegoSet();
	const queue = [...(itemsOf(initial) as readonly Value[])];
	context.charge(queue.length);
	for (let i = 0; i < queue.length; i++) {
		const vertex = queue[i] as Value;
		const edges = neighbours(graph as RegoObject, vertex, context);
		if (edges === undefined || reached.has(vertex)) continue;
		reached.add(vertex);
		context.charge(edges.length);
		for (const edge of edges) if (!reached.has(edge)) queue.push(edge);
	}
	return reached;
}

interface Search {
	graph: RegoObject;
	/** What the result consists of. */
	paths: RegoSet;
	context: BuiltinContext;
}

/** passed: the vertices of the path so far, in which a cycle ends. */
function follow(search: Search, vertex: Value, path: readonly Value[], passed: RegoSet): void {
	const { graph, context } = search;
	if (path.length > pathMax) context.charge(beyondLimit);
	const edges = neighbours(graph, vertex, context);
	if (edges === undefined) {
		commit(search, path);
		return;
	}
	const longer = [...path, vertex];
	context.charge(2 * longer.length);
	if (edges.length === 0) commit(search, longer);
	else {
		const through = RegoSet.of([...passed.items(), vertex]);
		for (const edge of edges) {
			context.charge(1);
			if (through.has(edge)) commit(search, longer);
			else follow(search, edge, longer, through);
		}
	}
}

function commit({ paths, context }: Search, path: readonly Value[]): void {
	context.charge(path.length);
	paths.add(path);
}

function reachablePaths(graph: Value, initial: Value, context: BuiltinContext): Result {
	const refusal = checked(graph, initial);
	if (refusal !== undefined) return refusal;
	const paths = new RegoSet();
	for (const root of itemsOf(initial) as readonly Value[]) {
		const edges = neighbours(graph as RegoObject, root, context);
		if (edges === undefined) continue;
		if (edges.length === 0) paths.add([root]);
		const search: Search = { graph: graph as RegoObject, paths, context };
		for (const edge of edges) follow(search, edge, [root], RegoSet.of([root]));
	}
	return paths;
}

export const graph: readonly Builtin[] = [
	binary('graph.reachable', reachable),
	binary('graph.reachable_paths', reachablePaths),
];
