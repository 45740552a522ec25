// Reads the fields of an untrusted JSON value as encoding/json does (names in any case), and notes what it does not take.
import { isObject, quote, typeName } from '@affidavit/attest/statement.ts';
import { entriesMax, type ReadProblem } from './document.ts';

export interface Fields {
	/** '' when absent. */
	text(name: string): string;
	flag(name: string): boolean | undefined;
	/** Decoded base64; empty when absent. */
	bytes(name: string): Buffer;
	/** Decoded base64 that is UTF-8; '' when absent. */
	utf8(name: string): string;
	bytesList(name: string): Buffer[];
	texts(name: string): string[];
	textMap(name: string): [string, string][];
	object<T>(name: string, read: (fields: Fields) => T): T;
	list<T>(name: string, read: (fields: Fields) => T): T[];
	map<T>(name: string, read: (fields: Fields, key: string) => T): T[];
	/** Notes the fields that nobody asked for. */
	done(): void;
}

export function fieldsOf(value: unknown, place: string, problems: ReadProblem[]): Fields {
	if (value !== undefined && value !== null && !isObject(value)) wrong(problems, place, 'an object', value);
	const byName = new Map<string, { name: string; value: unknown }>();
	if (isObject(value))
		for (const [name, field] of Object.entries(value)) byName.set(name.toLowerCase(), { name, value: field });
	const taken = new Set<string>();
	const at = (name: string): string => (place === '' ? name : `${place}.${name}`);
	const take = (name: string): unknown => {
		taken.add(name.toLowerCase());
		return byName.get(name.toLowerCase())?.value ?? undefined;
	};
	const entries = (name: string): unknown[] => listOf(take(name), at(name), problems);
	const pairs = (name: string): [string, unknown][] => pairsOf(take(name), at(name), problems);
	const child = <T>(found: unknown, where: string, read: (fields: Fields) => T): T => {
		const fields = fieldsOf(found, where, problems);
		const out = read(fields);
		fields.done();
		return out;
	};
	return {
		text: (name) => textOf(take(name), at(name), problems),
		flag: (name) => flagOf(take(name), at(name), problems),
		bytes: (name) => bytesOf(take(name), at(name), problems),
		utf8: (name) => utf8Of(bytesOf(take(name), at(name), problems), at(name), problems),
		bytesList: (name) => entries(name).map((entry, i) => bytesOf(entry, `${at(name)}[${i}]`, problems)),
		texts: (name) => entries(name).map((entry, i) => textOf(entry, `${at(name)}[${i}]`, problems)),
		textMap: (name) => pairs(name).map(([key, entry]) => [key, textOf(entry, `${at(name)}.${keyText(key)}`, problems)]),
		object: (name, read) => child(take(name), at(name), read),
		list: (name, read) => entries(name).map((entry, i) => child(entry, `${at(name)}[${i}]`, read)),
		map: (name, read) =>
			pairs(name).map(([key, entry]) => child(entry, `${at(name)}.${keyText(key)}`, (fields) => read(fields, key))),
		done: () => {
			for (const [key, { name }] of byName)
				if (!taken.has(key))
					problems.push({ place: at(keyText(name)), message: 'Witness knows no such field', ignored: true });
		},
	};
}

function textOf(value: unknown, place: string, problems: ReadProblem[]): string {
	if (typeof value === 'string') return value;
	if (value !== undefined && value !== null) wrong(problems, place, 'a string', value);
	return '';
}

function flagOf(value: unknown, place: string, problems: ReadProblem[]): boolean | undefined {
	if (typeof value === 'boolean') return value;
	if (value !== undefined) wrong(problems, place, 'true or false', value);
	return undefined;
}

function bytesOf(value: unknown, place: string, problems: ReadProblem[]): Buffer {
	const text = textOf(value, place, problems);
	// Go takes line breaks within base64, and nothing else that is not base64.
	const plain = text.replace(/[\r\n]/g, '');
	const bytes = Buffer.from(plain, 'base64');
	if (bytes.toString('base64') === plain) return bytes;
	problems.push({ place, message: 'expected base64 (standard alphabet, padded)', ignored: false });
	return Buffer.alloc(0);
}

function utf8Of(bytes: Buffer, place: string, problems: ReadProblem[]): string {
	try {
		return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
	} catch {
		problems.push({ place, message: 'expected UTF-8 in base64', ignored: false });
		return '';
	}
}

function listOf(value: unknown, place: string, problems: ReadProblem[]): unknown[] {
	if (value === undefined || value === null) return [];
	if (!Array.isArray(value)) {
		wrong(problems, place, 'an array', value);
		return [];
	}
	return bounded(value, place, problems);
}

function pairsOf(value: unknown, place: string, problems: ReadProblem[]): [string, unknown][] {
	if (value === undefined || value === null) return [];
	if (!isObject(value)) {
		wrong(problems, place, 'an object', value);
		return [];
	}
	return bounded(Object.entries(value), place, problems);
}

function bounded<T>(entries: T[], place: string, problems: ReadProblem[]): T[] {
	if (entries.length <= entriesMax) return entries;
	problems.push({ place, message: `expected at most ${entriesMax} entries, found ${entries.length}`, ignored: false });
	return entries.slice(0, entriesMax);
}

const wrong = (problems: ReadProblem[], place: string, expected: string, found: unknown): void => {
	problems.push({ place, message: `expected ${expected}, found ${typeName(found)}`, ignored: false });
};

/** A map's key as a place names it. */
const keyText = (key: string): string => (/^[\w:/.@-]{1,100}$/.test(key) ? key : quote(key));
