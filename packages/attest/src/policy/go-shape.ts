// The shapes of Go structs as encoding/json sees them: what it reads of a JSON value, and what it writes of it again.

export type Shape =
	| { kind: 'string' | 'bool' | 'digests' }
	/** float32. */
	| { kind: 'float' }
	/** net.IP. */
	| { kind: 'ip' }
	| { kind: 'int'; min: bigint; max: bigint }
	/** []byte: standard base64. */
	| { kind: 'bytes' }
	/** time.Time. */
	| { kind: 'time' }
	/** interface{}: numbers become doubles. */
	| { kind: 'any' }
	/** Kept as it stands: json.RawMessage, or a type whose Go shape is not known here. */
	| { kind: 'raw' }
	/** jose.JSONWebKey: an object of a known key type, kept as it stands; null is refused, as go-jose does. */
	| { kind: 'jwk' }
	/** structpb.Struct: an object or null. */
	| { kind: 'object' }
	/** `made`: empty, not null, when the field is missing. */
	| { kind: 'list' | 'map'; of: Shape; made: boolean }
	| { kind: 'pointer'; to: Shape }
	| StructShape;

export interface StructShape {
	kind: 'struct';
	fields: readonly Field[];
	byName: ReadonlyMap<string, Field>;
	/** By lower-cased name. */
	byFolded: ReadonlyMap<string, Field>;
	/** Other casings are usual and no ambiguity. */
	anyCase: boolean;
}

export interface Field {
	index: number;
	name: string;
	shape: Shape;
	omitEmpty: boolean;
}

export const text: Shape = { kind: 'string' };
export const bool: Shape = { kind: 'bool' };
export const float32: Shape = { kind: 'float' };
export const ip: Shape = { kind: 'ip' };
export const digests: Shape = { kind: 'digests' };
export const bytes: Shape = { kind: 'bytes' };
export const time: Shape = { kind: 'time' };
export const any: Shape = { kind: 'any' };
export const raw: Shape = { kind: 'raw' };
export const jwk: Shape = { kind: 'jwk' };
export const object: Shape = { kind: 'object' };
export const int64: Shape = { kind: 'int', min: -(1n << 63n), max: (1n << 63n) - 1n };
export const int32: Shape = { kind: 'int', min: -(1n << 31n), max: (1n << 31n) - 1n };
export const uint64: Shape = { kind: 'int', min: 0n, max: (1n << 64n) - 1n };
export const uint32: Shape = { kind: 'int', min: 0n, max: (1n << 32n) - 1n };
export const uint16: Shape = { kind: 'int', min: 0n, max: (1n << 16n) - 1n };
export const list = (of: Shape): Shape => ({ kind: 'list', of, made: false });
export const map = (of: Shape): Shape => ({ kind: 'map', of, made: false });
export const madeList = (of: Shape): Shape => ({ kind: 'list', of, made: true });
export const madeMap = (of: Shape): Shape => ({ kind: 'map', of, made: true });
export const pointer = (to: Shape): Shape => ({ kind: 'pointer', to });

/** Fields in the order of the Go struct; a name that ends in `?` is omitempty. */
export function struct(fields: Readonly<Record<string, Shape>>, anyCase = false): StructShape {
	const all = Object.entries(fields).map(([key, shape], index): Field => {
		const omitEmpty = key.endsWith('?');
		return { index, name: omitEmpty ? key.slice(0, -1) : key, shape, omitEmpty };
	});
	return {
		kind: 'struct',
		fields: all,
		byName: new Map(all.map((field) => [field.name, field])),
		byFolded: new Map(all.map((field) => [foldName(field.name), field])),
		anyCase,
	};
}

/** Go folds by Unicode's simple folding: besides the other case, the long s and the Kelvin sign stand for ASCII letters. */
export const foldName = (name: string): string => name.toLowerCase().replaceAll('\u017f', 's');
