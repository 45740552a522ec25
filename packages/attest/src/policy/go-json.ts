// A JSON value read into a Go struct and written out again, as encoding/json does it: unknown fields vanish, missing ones
// come back as zero values, empty ones vanish where the struct says so. That is what a Rego rule of Witness sees.
import { isKnownAlgorithm } from './digest-set.ts';
import type { Context } from './go-json-context.ts';
import { isObject, Mismatch, mismatch, shown, where } from './go-json-context.ts';
import { Members, NumberToken, plainObject } from './go-json-text.ts';
import { readAddress, readBytes, readFloat, readInteger, readKey, readTime } from './go-scalars.ts';
import type { Field, Shape, StructShape } from './go-shape.ts';
import { foldName } from './go-shape.ts';
import { zeroTime } from './rfc3339.ts';

export type Reshaped = { kind: 'value'; value: unknown; ambiguity: string } | { kind: 'invalid'; reason: string };

/** `value`: of parseGoJson; `root`: what a refusal calls it. */
export function reshape(shape: Shape, value: unknown, root: string): Reshaped {
	const context: Context = { path: [root], ambiguity: '' };
	try {
		return { kind: 'value', value: read(shape, value, undefined, context), ambiguity: context.ambiguity };
	} catch (error) {
		if (error instanceof Mismatch) return { kind: 'invalid', reason: error.message };
		throw error;
	}
}

/** `previous`: what an earlier field of the same name gave; undefined for none. */
function read(shape: Shape, value: unknown, previous: unknown, context: Context): unknown {
	if (value === null && shape.kind !== 'jwk') return readNull(shape, previous);
	switch (shape.kind) {
		case 'string':
			return typeof value === 'string' ? value : mismatch(context, 'a string', value);
		case 'bool':
			return typeof value === 'boolean' ? value : mismatch(context, 'a boolean', value);
		case 'int':
			return readInteger(shape.min, shape.max, value, context);
		case 'float':
			return readFloat(value, context);
		case 'bytes':
			return readBytes(value, context);
		case 'ip':
			return readAddress(value, context);
		case 'time':
			return readTime(value, context);
		case 'digests':
			return readDigests(value, context);
		case 'any':
			return plainValue(value, true, context);
		case 'raw':
			return value;
		case 'jwk':
			return readKey(value, context);
		case 'object':
			return readObject(value, context);
		case 'list':
			return readList(shape.of, value, previous, context);
		case 'map':
			return readMap(shape.of, value, previous, context);
		case 'pointer':
			return read(shape.to, value, previous === null ? undefined : previous, context);
		case 'struct':
			return readStruct(shape, value, previous, context);
	}
}

/** null empties what can be nil and leaves the rest as it is. */
function readNull(shape: Shape, previous: unknown): unknown {
	switch (shape.kind) {
		case 'list':
		case 'map':
		case 'pointer':
		case 'bytes':
		case 'any':
		case 'raw':
		case 'object':
			return null;
		case 'digests':
			return {};
		default:
			return previous === undefined ? zero(shape) : previous;
	}
}

/** Go's zero value, as JSON. */
export function zero(shape: Shape): unknown {
	switch (shape.kind) {
		case 'string':
		case 'ip':
			return '';
		case 'bool':
			return false;
		case 'int':
		case 'float':
			return 0;
		case 'time':
			return zeroTime;
		case 'digests':
			return {};
		case 'list':
			return shape.made ? [] : null;
		case 'map':
			return shape.made ? {} : null;
		case 'struct':
			return written(shape, []);
		default:
			return null;
	}
}

function readStruct(shape: StructShape, value: unknown, previous: unknown, context: Context): unknown {
	if (!isObject(value)) return mismatch(context, 'an object', value);
	const slots: unknown[] = [];
	for (let i = 0; i < shape.fields.length; i++) slots.push(earlier(shape.fields[i] as Field, previous));
	if (value instanceof Members) {
		for (let i = 0; i < value.keys.length; i++)
			readField(shape, slots, value.keys[i] as string, value.values[i], context);
		return written(shape, slots);
	}
	const fields = value as Record<string, unknown>;
	let asItStands = previous === undefined;
	for (const key in fields) if (!readField(shape, slots, key, fields[key], context)) asItStands = false;
	return asItStands && isWritten(shape, slots) ? fields : written(shape, slots);
}

/** True when the struct writes just the fields that were read. */
function isWritten(shape: StructShape, slots: readonly unknown[]): boolean {
	for (let i = 0; i < shape.fields.length; i++) {
		const field = shape.fields[i] as Field;
		const slot = slots[i];
		if (slot === undefined ? !field.omitEmpty : field.omitEmpty && isEmpty(field.shape, slot)) return false;
	}
	return true;
}

const earlier = (field: Field, previous: unknown): unknown =>
	previous === undefined || previous === null ? undefined : (previous as Record<string, unknown>)[field.name];

/** False when Go writes it otherwise, or not at all. */
function readField(shape: StructShape, slots: unknown[], key: string, value: unknown, context: Context): boolean {
	const exact = shape.byName.get(key);
	let field = exact;
	if (field === undefined) {
		field = shape.byFolded.get(foldName(key));
		if (field === undefined) return false;
		if (!shape.anyCase) context.ambiguity ||= `${where(context)}.${key} is read as ${field.name}`;
	}
	context.path.push(field.name);
	const slot = read(field.shape, value, slots[field.index], context);
	context.path.pop();
	slots[field.index] = slot;
	return exact !== undefined && slot === value;
}

/** The struct as Go writes it. */
function written(shape: StructShape, slots: readonly unknown[]): Record<string, unknown> {
	const out: Record<string, unknown> = {};
	for (let i = 0; i < shape.fields.length; i++) {
		const field = shape.fields[i] as Field;
		const slot = slots[i];
		const value = slot === undefined ? zero(field.shape) : slot;
		if (!field.omitEmpty || !isEmpty(field.shape, value)) out[field.name] = value;
	}
	return out;
}

function isEmpty(shape: Shape, value: unknown): boolean {
	switch (shape.kind) {
		case 'struct':
		case 'time':
			return false;
		case 'any':
		case 'object':
		case 'pointer':
		case 'raw':
			return value === null;
		case 'string':
		case 'ip':
		case 'bytes':
			return value === '' || value === null;
		case 'list':
			return value === null || (value as unknown[]).length === 0;
		case 'map':
		case 'digests':
			for (const _ in value as object) return false;
			return true;
		default:
			return value === 0 || value === false;
	}
}

function readList(of: Shape, value: unknown, previous: unknown, context: Context): unknown {
	if (!Array.isArray(value)) return mismatch(context, 'an array', value);
	// The items of a list that comes twice are read into the items of the first.
	const before: readonly unknown[] = Array.isArray(previous) ? previous : [];
	let items: unknown[] | null = null;
	for (let i = 0; i < value.length; i++) {
		context.path.push(i);
		const item = read(of, value[i], before[i], context);
		context.path.pop();
		// The parsed array itself is the list until an item comes out otherwise.
		if (item === value[i]) continue;
		items ??= value.slice();
		items[i] = item;
	}
	return items ?? value;
}

/** structpb takes no field twice. */
function readObject(value: unknown, context: Context): unknown {
	if (!isObject(value)) return mismatch(context, 'an object', value);
	return value instanceof Members ? mismatch(context, 'each field once', value) : plainValue(value, true, context);
}

function readMap(of: Shape, value: unknown, previous: unknown, context: Context): unknown {
	if (!isObject(value)) return mismatch(context, 'an object', value);
	// An item that a later one replaces must be right as well.
	if (value instanceof Members) for (const item of value.values) read(of, item, undefined, context);
	const source = value instanceof Members ? plainObject(value) : (value as Record<string, unknown>);
	// A map that comes twice is filled twice.
	if (previous !== undefined && previous !== null)
		return Object.assign(Object.create(null), previous, readMap(of, source, undefined, context));
	let out: Record<string, unknown> | null = null;
	// Faster than for-in on an object of many keys.
	for (const key of Object.keys(source)) {
		context.path.push(key);
		const item = source[key];
		const kept = read(of, item, undefined, context);
		context.path.pop();
		// The parsed object itself is the map until an item comes out otherwise.
		if (kept === item) continue;
		out ??= Object.assign(Object.create(null) as Record<string, unknown>, source);
		out[key] = kept;
	}
	return out ?? source;
}

function readDigests(value: unknown, context: Context): unknown {
	if (!isObject(value)) return mismatch(context, 'an object', value);
	if (value instanceof Members)
		for (const digest of value.values)
			if (digest !== null && typeof digest !== 'string') return mismatch(context, 'a string', digest);
	const source = value instanceof Members ? plainObject(value) : (value as Record<string, unknown>);
	let out: Record<string, unknown> | null = null;
	for (const name in source) {
		if (!isKnownAlgorithm(name)) throw new Mismatch(`${where(context)}: unsupported hash function: ${shown(name)}`);
		const digest = source[name];
		if (typeof digest === 'string') continue;
		if (digest !== null) return mismatch(context, 'a string', digest);
		out ??= { ...source };
		out[name] = '';
	}
	return out ?? source;
}

/** A value without tokens: doubles when `doubles`, else whole numbers stay exact as bigints. */
export function plainValue(value: unknown, doubles: boolean, context?: Context): unknown {
	if (typeof value !== 'object' || value === null) return value;
	if (value instanceof NumberToken) {
		const double = Number(value.text);
		if (!Number.isFinite(double) && doubles && context) return mismatch(context, 'a number that a double holds', value);
		if (doubles || !/^-?\d+$/.test(value.text) || Number.isSafeInteger(double)) return double;
		return BigInt(value.text);
	}
	if (Array.isArray(value)) {
		let items: unknown[] | null = null;
		for (let i = 0; i < value.length; i++) {
			const item = plainValue(value[i], doubles, context);
			if (item === value[i]) continue;
			items ??= value.slice();
			items[i] = item;
		}
		return items ?? value;
	}
	const source = value instanceof Members ? plainObject(value) : (value as Record<string, unknown>);
	let out: Record<string, unknown> | null = null;
	for (const key in source) {
		const item = plainValue(source[key], doubles, context);
		if (item === source[key]) continue;
		out ??= Object.assign(Object.create(null) as Record<string, unknown>, source);
		out[key] = item;
	}
	return out ?? source;
}
