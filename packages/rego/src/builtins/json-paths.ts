// json.filter and json.remove: parts of an object by paths, /a/b/0 with ~0 and ~1, or arrays of keys.
import {
	isArray,
	isObject,
	isSet,
	objectEntries,
	objectGet,
	RegoMap,
	RegoSet,
	typeName,
	type Value,
} from '../value/value.ts';
import { valueDepthMax } from '../value/work.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { beyondLimit, binary, itemsOf, textSteps, wrongType } from './operand.ts';

export type Path = readonly Value[];

/** All slashes in front are dropped; an empty text is the root. */
export function parsePath(path: Value, context: BuiltinContext): Path | BuiltinError {
	if (isArray(path)) {
		context.charge(path.length);
		return path;
	}
	if (typeof path !== 'string') {
		const what = 'one of {set, array} containing string paths or array of path segments';
		return new BuiltinError(`operand 2 must be ${what} but got ${typeName(path)}`);
	}
	context.charge(textSteps(path.length));
	if (path === '') return [];
	let start = 0;
	while (path[start] === '/') start++;
	const segments = path.slice(start).split('/');
	context.charge(segments.length);
	return segments.map((segment) => (segment.includes('~') ? unescaped(segment) : segment));
}

const unescaped = (segment: string): string => segment.replaceAll('~1', '/').replaceAll('~0', '~');

/** What the paths name: a branch by key, null at the end of a path, which takes all below it. */
type Tree = RegoMap | null;

function plant(root: RegoMap, path: Path): void {
	let node = root;
	for (let i = 0; i < path.length - 1; i++) {
		const key = path[i] as Value;
		const child = node.get(key);
		if (child === null) return;
		if (child === undefined) {
			const made = new RegoMap();
			node.set(key, made);
			node = made;
		} else node = child as RegoMap;
	}
	node.set(path[path.length - 1] as Value, null);
}

function treeOf(list: Value, context: BuiltinContext): RegoMap | BuiltinError {
	const items = itemsOf(list);
	if (items === null) return wrongType(2, list, 'set', 'array');
	const root = new RegoMap();
	for (const item of items) {
		const path = parsePath(item, context);
		if (path instanceof BuiltinError) return path;
		context.charge(path.length);
		if (path.length > valueDepthMax) context.charge(beyondLimit);
		if (path.length > 0) plant(root, path);
	}
	return root;
}

/** undefined: the tree has no such key. */
function branch(tree: RegoMap, key: Value, context: BuiltinContext): Tree | undefined {
	context.charge(1);
	return tree.get(key) as Tree | undefined;
}

function filter(value: Value, tree: Tree, context: BuiltinContext): Value {
	if (tree === null || typeof value !== 'object' || value === null) return value;
	context.charge(1);
	if (isArray(value)) {
		const kept: Value[] = [];
		value.forEach((item, i) => {
			const next = branch(tree, String(i), context);
			if (next !== undefined) kept.push(filter(item, next, context));
		});
		return kept;
	}
	if (isSet(value)) {
		const kept = new RegoSet();
		for (const item of value.items()) {
			const next = branch(tree, item, context);
			if (next !== undefined) kept.add(filter(item, next, context));
		}
		return kept;
	}
	const kept = new RegoMap();
	for (const [key, next] of tree.entries()) {
		context.charge(1);
		const item = isObject(value) ? objectGet(value, key) : undefined;
		if (item !== undefined) kept.set(key, filter(item, next as Tree, context));
	}
	return kept;
}

/** undefined: the value itself goes. */
function remove(value: Value, tree: Tree | undefined, context: BuiltinContext): Value | undefined {
	if (tree === null) return undefined;
	if (tree === undefined || typeof value !== 'object' || value === null) return value;
	context.charge(1);
	if (isArray(value)) {
		const kept: Value[] = [];
		value.forEach((item, i) => {
			const left = remove(item, branch(tree, String(i), context), context);
			if (left !== undefined) kept.push(left);
		});
		return kept;
	}
	if (isSet(value)) {
		const kept = new RegoSet();
		for (const item of value.items()) {
			const left = remove(item, branch(tree, item, context), context);
			if (left !== undefined) kept.add(left);
		}
		return kept;
	}
	const kept = new RegoMap();
	for (const [key, item] of isObject(value) ? objectEntries(value) : []) {
		const left = remove(item, branch(tree, key, context), context);
		if (left !== undefined) kept.set(key, left);
	}
	return kept;
}

const byPaths = (
	name: string,
	run: (value: Value, tree: RegoMap, context: BuiltinContext) => Value | undefined,
): Builtin =>
	binary(name, (object, list, context) => {
		if (!isObject(object)) return wrongType(1, object, 'object');
		const tree = treeOf(list, context);
		return tree instanceof BuiltinError ? tree : run(object, tree, context);
	});

export const jsonPaths: readonly Builtin[] = [byPaths('json.filter', filter), byPaths('json.remove', remove)];
