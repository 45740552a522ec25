// json.patch: RFC 6902 on arrays, objects and, as OPA has it, sets. All operations or none.
import { equalValues } from '../value/compare.ts';
import { isArray, isObject, isSet, objectGet, RegoMap, RegoSet, typeName, type Value } from '../value/value.ts';
import { valueDepthMax } from '../value/work.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { type Path, parsePath } from './json-paths.ts';
import { beyondLimit, binary, entriesOf, type Result, sizeOf, wrongType } from './operand.ts';

/** undefined: the root was removed. */
type Document = Value | undefined;

const noComposite = new BuiltinError('expected composite type');
const noDocument = new BuiltinError('nil value encountered where composite value was expected');

function indexOf(length: number, key: Value): number | BuiltinError {
	if (typeof key === 'number' && Number.isInteger(key)) return key;
	if (typeof key !== 'string') return new BuiltinError('invalid type for indexing');
	if (key === '-') return length;
	if (!/^-?[0-9]{1,15}$/.test(key)) return new BuiltinError('invalid string for indexing');
	if (key !== '0' && key.startsWith('0')) return new BuiltinError('leading zeros are not allowed in JSON paths');
	return Number(key);
}

function child(value: Value, key: Value, context: BuiltinContext): Value | BuiltinError {
	context.charge(1);
	if (isArray(value)) {
		const index = indexOf(value.length, key);
		if (typeof index === 'object') return index;
		const item = value[index];
		return item === undefined ? missing(key, 'array') : item;
	}
	if (isSet(value)) return value.has(key) ? key : missing(key, 'set');
	if (!isObject(value)) return noComposite;
	const item = objectGet(value, key);
	return item === undefined ? missing(key, 'object') : item;
}

const missing = (key: Value, type: string): BuiltinError =>
	new BuiltinError(
		`path ${typeof key === 'string' ? JSON.stringify(key) : typeName(key)} does not exist in ${type} term`,
	);

function find(document: Document, path: Path, context: BuiltinContext): Value | BuiltinError {
	if (document === undefined) return noDocument;
	let value = document;
	for (const key of path) {
		const next = child(value, key, context);
		if (next instanceof BuiltinError) return next;
		value = next;
	}
	return value;
}

/** A copy of the composite, charged by its size. */
function copyObject(value: Value, context: BuiltinContext): RegoMap {
	const copy = new RegoMap();
	if (!isObject(value)) return copy;
	for (const [key, item] of entriesOf(value)) {
		context.charge(1);
		copy.set(key, item);
	}
	return copy;
}

function without(set: RegoSet, old: Value, context: BuiltinContext): RegoSet {
	context.charge(set.items().length);
	const copy = new RegoSet();
	for (const item of set.items()) if (!equalValues(item, old)) copy.add(item);
	return copy;
}

type Edit = (container: Value, key: Value, context: BuiltinContext) => Value | BuiltinError;

/** The value with the container at the path edited; what lies beside the path is shared. */
function edit(value: Value, path: Path, at: number, change: Edit, context: BuiltinContext): Value | BuiltinError {
	const key = path[at] as Value;
	if (at === path.length - 1) return change(value, key, context);
	const old = child(value, key, context);
	if (old instanceof BuiltinError) return old;
	const next = edit(old, path, at + 1, change, context);
	if (next instanceof BuiltinError) return next;
	context.charge(sizeOf(value));
	if (isArray(value)) return value.with(indexOf(value.length, key) as number, next);
	if (isSet(value)) return without(value, key, context).add(next);
	return copyObject(value, context).set(key, next);
}

const inserting =
	(item: Value): Edit =>
	(container, key, context) => {
		context.charge(1 + sizeOf(container));
		if (isArray(container)) {
			const index = indexOf(container.length, key);
			if (typeof index === 'object') return index;
			if (index < 0 || index > container.length) {
				return new BuiltinError('index for array insertion out of bounds');
			}
			return container.toSpliced(index, 0, item);
		}
		if (isSet(container)) {
			if (!equalValues(key, item)) return new BuiltinError('set key does not equal value to be inserted');
			return without(container, item, context).add(item);
		}
		return isObject(container) ? copyObject(container, context).set(key, item) : noComposite;
	};

const deleting: Edit = (container, key, context) => {
	const old = child(container, key, context);
	if (isArray(container)) {
		const index = indexOf(container.length, key);
		if (typeof index === 'object') return index;
		context.charge(1 + container.length);
		return old instanceof BuiltinError
			? new BuiltinError('index for array delete out of bounds')
			: container.toSpliced(index, 1);
	}
	if (old instanceof BuiltinError) return old;
	context.charge(1 + sizeOf(container));
	if (isSet(container)) return without(container, key, context);
	const copy = new RegoMap();
	for (const [other, item] of isObject(container) ? entriesOf(container) : []) {
		context.charge(1);
		if (!equalValues(other, key)) copy.set(other, item);
	}
	return copy;
};

function insert(document: Document, path: Path, item: Value, context: BuiltinContext): Value | BuiltinError {
	if (path.length === 0) return item;
	return document === undefined ? noDocument : edit(document, path, 0, inserting(item), context);
}

function remove(document: Document, path: Path, context: BuiltinContext): Document | BuiltinError {
	if (document === undefined) return noDocument;
	return path.length === 0 ? undefined : edit(document, path, 0, deleting, context);
}

const required = (name: string): BuiltinError => new BuiltinError(`missing required attribute '${name}'`);

/** From: moved or copied. */
function transfer(
	document: Document,
	from: Value | undefined,
	path: Path,
	moves: boolean,
	context: BuiltinContext,
): Document | BuiltinError {
	if (from === undefined) return required('from');
	const source = parsePath(from, context);
	if (source instanceof BuiltinError) return source;
	const item = find(document, source, context);
	if (item instanceof BuiltinError) return item;
	const left = moves ? remove(document, source, context) : document;
	return left instanceof BuiltinError ? left : insert(left, path, item, context);
}

function apply(document: Document, operation: Value, context: BuiltinContext): Document | BuiltinError {
	if (!isObject(operation)) {
		return new BuiltinError('must be an array of JSON-Patch objects, but at least one element is not an object');
	}
	const target = objectGet(operation, 'path');
	if (target === undefined) return required('path');
	const name = objectGet(operation, 'op');
	if (name === undefined) return required('op');
	if (typeof name !== 'string') {
		return new BuiltinError(`attribute 'op' must be a string but found: ${typeName(name)}`);
	}
	const path = parsePath(target, context);
	if (path instanceof BuiltinError) return path;
	if (path.length > valueDepthMax) context.charge(beyondLimit);
	const item = objectGet(operation, 'value');
	switch (name) {
		case 'add':
			return item === undefined ? required('value') : insert(document, path, item, context);
		case 'remove':
			return remove(document, path, context);
		case 'replace': {
			const left = remove(document, path, context);
			if (left instanceof BuiltinError) return left;
			return item === undefined ? required('value') : insert(left, path, item, context);
		}
		case 'move':
		case 'copy':
			return transfer(document, objectGet(operation, 'from'), path, name === 'move', context);
		case 'test': {
			const found = find(document, path, context);
			if (found instanceof BuiltinError) return found;
			if (item === undefined) return required('value');
			return equalValues(found, item) ? document : new BuiltinError('value from EditTree != patch value.');
		}
		default:
			return new BuiltinError(`unrecognized op: '${name}'`);
	}
}

function patch(value: Value, operations: Value, context: BuiltinContext): Result {
	if (!isArray(operations)) return wrongType(2, operations, 'array');
	let document: Document = value;
	for (const operation of operations) {
		context.charge(1);
		const next = apply(document, operation, context);
		if (next instanceof BuiltinError) return next;
		document = next;
	}
	return document;
}

export const jsonPatch: readonly Builtin[] = [binary('json.patch', patch)];
