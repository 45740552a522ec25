// Changes to bytes and to JSON values, as fast-check makes, shrinks and repeats them.
import fc from 'fast-check';

/** Positions are fractions of the length, so that one change fits any input. */
export type ByteChange =
	| { kind: 'flip'; at: number; bit: number }
	| { kind: 'cut'; at: number; length: number }
	| { kind: 'insert'; at: number; bytes: Uint8Array }
	| { kind: 'duplicate'; at: number; length: number; to: number }
	/** A piece of another input. */
	| { kind: 'splice'; at: number; from: number; length: number };

const fraction = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const lengthMax = 64;

export const byteChange: fc.Arbitrary<ByteChange> = fc.oneof(
	fc.record({ kind: fc.constant('flip' as const), at: fraction, bit: fc.nat(7) }),
	fc.record({ kind: fc.constant('cut' as const), at: fraction, length: fc.nat(lengthMax) }),
	fc.record({ kind: fc.constant('insert' as const), at: fraction, bytes: fc.uint8Array({ maxLength: 16 }) }),
	fc.record({ kind: fc.constant('duplicate' as const), at: fraction, length: fc.nat(lengthMax), to: fraction }),
	fc.record({ kind: fc.constant('splice' as const), at: fraction, from: fraction, length: fc.nat(lengthMax) }),
);

export function changeBytes(bytes: Uint8Array, changes: readonly ByteChange[], other: Uint8Array): Buffer {
	let now = Buffer.from(bytes);
	for (const change of changes) {
		const at = Math.floor(change.at * now.length);
		switch (change.kind) {
			case 'flip':
				if (now.length > 0) now[at] = (now[at] ?? 0) ^ (1 << change.bit);
				break;
			case 'cut':
				now = Buffer.concat([now.subarray(0, at), now.subarray(at + change.length)]);
				break;
			case 'insert':
				now = Buffer.concat([now.subarray(0, at), change.bytes, now.subarray(at)]);
				break;
			case 'duplicate': {
				const to = Math.floor(change.to * now.length);
				now = Buffer.concat([now.subarray(0, to), now.subarray(at, at + change.length), now.subarray(to)]);
				break;
			}
			case 'splice': {
				const from = Math.floor(change.from * other.length);
				now = Buffer.concat([now.subarray(0, at), other.subarray(from, from + change.length), now.subarray(at)]);
				break;
			}
		}
	}
	return now;
}

/** The value at one place of a JSON value becomes another, goes, or comes a second time. */
export interface JsonChange {
	/** Which of the value's places, as a fraction of their number. */
	at: number;
	to: 'odd' | 'remove' | 'rename' | 'another';
	odd: unknown;
	name: string;
	/** Where the other value is taken from. */
	from: number;
}

const deep = (levels: number): unknown => {
	let value: unknown = 'x';
	for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { a: value };
	return value;
};

const odd: fc.Arbitrary<unknown> = fc.oneof(
	fc.constantFrom<unknown>(null, true, '', 0, -1, 1e308, 1.5, 2 ** 53 + 2, [], {}, [[]], 'AAAA', 'x'.repeat(5000)),
	fc.constantFrom<unknown>(
		deep(200),
		{ ['__proto__']: { accepted: true } },
		['a', 1, null],
		'2026-01-01T00:00:00Z',
		'*',
	),
	fc.jsonValue({ maxDepth: 3 }),
);

export const jsonChange: fc.Arbitrary<JsonChange> = fc.record({
	at: fraction,
	to: fc.constantFrom('odd', 'remove', 'rename', 'another'),
	odd,
	name: fc.oneof(
		fc.constantFrom('__proto__', 'constructor', 'Name', 'NAME', '', 'payload', 'sig'),
		fc.string({ maxLength: 8 }),
	),
	from: fraction,
});

type Container = Record<string, unknown> | unknown[];

/** Every place of a JSON value: a container and the key in it. */
function placesOf(value: unknown): { container: Container; key: string | number }[] {
	const places: { container: Container; key: string | number }[] = [];
	const waiting: unknown[] = [value];
	for (let next = waiting.pop(); waiting.length > 0 || next !== undefined; next = waiting.pop()) {
		if (typeof next !== 'object' || next === null) continue;
		const keys = Array.isArray(next) ? next.keys() : Object.keys(next);
		for (const key of keys) {
			places.push({ container: next as Container, key });
			waiting.push((next as Record<string | number, unknown>)[key]);
		}
	}
	return places;
}

/** A changed copy. */
export function changeJson(value: unknown, changes: readonly JsonChange[]): unknown {
	const copy = { root: structuredClone(value) };
	for (const change of changes) {
		const places = placesOf(copy.root);
		const place = places[Math.floor(change.at * places.length)];
		if (place) apply(place.container as Record<string | number, unknown>, place.key, change, places);
	}
	return copy.root;
}

function apply(
	container: Record<string | number, unknown>,
	key: string | number,
	change: JsonChange,
	places: ReturnType<typeof placesOf>,
): void {
	switch (change.to) {
		case 'odd':
			container[key] = change.odd;
			return;
		case 'remove':
			if (Array.isArray(container)) container.splice(Number(key), 1);
			else delete container[key];
			return;
		case 'rename':
			Object.defineProperty(container, change.name, {
				value: container[key],
				enumerable: true,
				configurable: true,
				writable: true,
			});
			if (!Array.isArray(container) && change.name !== key) delete container[key];
			return;
		case 'another': {
			const other = places[Math.floor(change.from * places.length)];
			if (other) container[key] = structuredClone((other.container as Record<string | number, unknown>)[other.key]);
			return;
		}
	}
}
