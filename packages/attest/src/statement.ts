// in-toto statements: building canonical bytes, and strict reading of untrusted ones.
import { canonicalJson, isSha256, sha256Hex } from '@affidavit/model/digests.ts';
import { statementTypeV1, statementTypeV01 } from './type-uris.ts';

export interface Subject {
	name: string;
	/** Algorithm → hex digest. */
	digest: Readonly<Record<string, string>>;
}

export interface Statement<P = unknown> {
	_type: string;
	subject: readonly Subject[];
	predicateType: string;
	predicate: P;
}

/** Canonical payload (RFC 8785) of a statement and its sha256 in hex: the attestation's identity. */
export function statementBytes(statement: Statement): { bytes: Buffer; sha256: string } {
	const bytes = Buffer.from(canonicalJson(statement), 'utf8');
	return { bytes, sha256: sha256Hex(bytes) };
}

export type ParsedStatement = { kind: 'statement'; statement: Statement } | { kind: 'invalid'; reason: string };

/** Most subjects that a statement is read with. */
export const subjectsMax = 1_000_000;

/** Reads a statement from untrusted bytes. Unknown fields are tolerated; a wrong type is refused with the field named. */
export function parseStatement(payload: Uint8Array): ParsedStatement {
	let value: unknown;
	try {
		value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
	} catch {
		return invalid('payload: expected a JSON text in UTF-8');
	}
	if (!isObject(value)) return invalid(`payload: expected a JSON object, found ${typeName(value)}`);
	const { _type: type, predicateType } = value;
	if (typeof type !== 'string') return invalid(`_type: expected a string, found ${typeName(type)}`);
	if (type !== statementTypeV1 && type !== statementTypeV01)
		return invalid(`_type: expected ${statementTypeV1} or ${statementTypeV01}, found ${quote(type)}`);
	if (typeof predicateType !== 'string')
		return invalid(`predicateType: expected a string, found ${typeName(predicateType)}`);
	const subject = parseSubjects(value['subject']);
	if (typeof subject === 'string') return invalid(subject);
	return { kind: 'statement', statement: { _type: type, subject, predicateType, predicate: value['predicate'] } };
}

/** The subjects, or a sentence that says what is wrong. */
function parseSubjects(value: unknown): Subject[] | string {
	if (!Array.isArray(value)) return `subject: expected an array, found ${typeName(value)}`;
	if (value.length > subjectsMax) return `subject: expected at most ${subjectsMax} entries, found ${value.length}`;
	const subjects: Subject[] = [];
	for (const [i, entry] of value.entries()) {
		if (!isObject(entry)) return `subject[${i}]: expected an object, found ${typeName(entry)}`;
		const { name, digest } = entry;
		if (typeof name !== 'string') return `subject[${i}].name: expected a string, found ${typeName(name)}`;
		if (!isObject(digest)) return `subject[${i}].digest: expected an object, found ${typeName(digest)}`;
		for (const [algorithm, hex] of Object.entries(digest))
			if (typeof hex !== 'string')
				return `subject[${i}].digest.${quote(algorithm)}: expected a string, found ${typeName(hex)}`;
		const sha256 = digest['sha256'];
		if (typeof sha256 === 'string' && !isSha256(sha256))
			return `subject[${i}].digest.sha256: expected 64 lower-case hex digits, found ${quote(sha256)}`;
		subjects.push({ name, digest: digest as Record<string, string> });
	}
	return subjects;
}

const invalid = (reason: string): ParsedStatement => ({ kind: 'invalid', reason });

/** A JSON object (no array, no null). */
export const isObject = (value: unknown): value is Record<string, unknown> =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a message calls the JSON type of a value. */
export const typeName = (value: unknown): string =>
	value === undefined ? 'nothing' : value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;

const quotedMax = 80;
/** Untrusted text for a message: escaped and bounded. */
export const quote = (text: string): string =>
	JSON.stringify(text.length > quotedMax ? `${text.slice(0, quotedMax)}…` : text);
