// The runner's own state lies beside the stage's, in cells that a stage never sees, so that it changes in the same commit.
import { StreamError } from '../errors.ts';
import type { OriginMark } from './origin-mark.ts';

const reserved = '@runtime/';
const seenPrefix = `${reserved}seen/`;
export const skippedCell = `${reserved}skipped`;
export const suppressCell = `${reserved}suppress`;

export const isReserved = (name: string): boolean => name.startsWith(reserved);

export const seenCell = (originKey: string): string => seenPrefix + originKey;
/** null when the cell is not one of seenCell. */
export const originKeyOf = (name: string): string | null =>
	name.startsWith(seenPrefix) ? name.slice(seenPrefix.length) : null;

/** 16 bytes: offset and index as big-endian doubles. */
export function encodeMark(mark: OriginMark): Uint8Array {
	const bytes = Buffer.allocUnsafe(16);
	bytes.writeDoubleBE(mark.offset, 0);
	bytes.writeDoubleBE(mark.index, 8);
	return bytes;
}

export function decodeMark(name: string, bytes: Uint8Array): OriginMark {
	if (bytes.byteLength !== 16) throw new StreamError('store-corrupt', `cell ${name}: expected 16 bytes`);
	const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
	return { offset: view.getFloat64(0), index: view.getFloat64(8) };
}

export const encodeJson = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

export function decodeJson<T>(name: string, bytes: Uint8Array, isValid: (value: unknown) => value is T): T {
	let value: unknown;
	try {
		value = JSON.parse(Buffer.from(bytes).toString());
	} catch (error) {
		throw new StreamError('store-corrupt', `cell ${name}: expected JSON`, error);
	}
	if (!isValid(value)) throw new StreamError('store-corrupt', `cell ${name}: not of the expected shape`);
	return value;
}

/** The stage's part of the cells. */
export function stageCells(cells: ReadonlyMap<string, Uint8Array>): Map<string, Uint8Array> {
	const own = new Map<string, Uint8Array>();
	for (const [name, value] of cells) if (!isReserved(name)) own.set(name, value);
	return own;
}
