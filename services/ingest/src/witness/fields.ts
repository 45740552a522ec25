// Reads single fields of an attestation: a stranger wrote them, whatever key signed the whole.
import { isSha256 } from '@affidavit/model/digests.ts';
import { timeStringUs } from '../event/time.ts';
import { pathLengthMax } from './trace-record.ts';

export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Own fields only: a path may be called __proto__ or constructor. */
export const fieldOf = (object: JsonObject, name: string): unknown =>
	Object.hasOwn(object, name) ? object[name] : undefined;

const pidMax = 2 ** 31 - 1;

/** A pid, or -1 for what is none. */
export const pidOf = (value: unknown): number =>
	typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= pidMax ? value : -1;

export const isPath = (path: string): boolean => path !== '' && path.length <= pathLengthMax && !path.includes('\0');

export type DigestReading =
	| { kind: 'digest'; sha256: string }
	/** null, {} or absent: the tracer has none. */
	| { kind: 'none' }
	/** There is one, but no sha256 in hex. */
	| { kind: 'unusable' };

const noDigest: DigestReading = { kind: 'none' };
const unusable: DigestReading = { kind: 'unusable' };

/** A DigestSet: algorithm to hex. */
export function digestOf(value: unknown): DigestReading {
	if (value === null || value === undefined) return noDigest;
	if (!isObject(value)) return unusable;
	const sha256 = fieldOf(value, 'sha256');
	if (typeof sha256 === 'string' && isSha256(sha256)) return { kind: 'digest', sha256 };
	for (const _ in value) return unusable;
	return noDigest;
}

/** Avro's longs end here, in microseconds: the year 2112. */
const timeUsMax = 2 ** 52;

/** Microseconds since 1970; -1 absent (also Go's zero time); -2 no time that can be used. */
export function timeOf(value: unknown): number {
	if (value === undefined || value === null || value === '') return -1;
	if (typeof value !== 'string') return -2;
	if (value.startsWith('0001-01-01T00:00:00')) return -1;
	const us = timeStringUs(value);
	return us >= 0 && us <= timeUsMax ? us : -2;
}
