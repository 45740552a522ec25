// YAML that a person wrote, as plain values; what is wrong with it comes with its line.
import { LineCounter, parseDocument } from 'yaml';

export type YamlText = { kind: 'value'; value: unknown } | { kind: 'invalid'; place: string; message: string };

/** Aliases that one text may be blown up by. */
const maxAliasCount = 100;

export function readYaml(text: string): YamlText {
	const lines = new LineCounter();
	let value: unknown;
	try {
		const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
		const [error] = document.errors;
		if (error) return invalid(`line ${lines.linePos(error.pos[0]).line}`, error.message.split('\n')[0] ?? error.code);
		value = document.toJS({ maxAliasCount });
	} catch (cause) {
		// Too many aliases, or nested deeper than the stack.
		return invalid('the file', (cause as Error).message);
	}
	// Schemas leave it out without a word.
	if (hasPrototypeKey(value)) return invalid('the file', 'nothing may be called __proto__');
	return { kind: 'value', value };
}

function hasPrototypeKey(root: unknown): boolean {
	const open: unknown[] = [root];
	for (let value = open.pop(); open.length > 0 || value !== undefined; value = open.pop()) {
		if (typeof value !== 'object' || value === null) continue;
		if (Object.hasOwn(value, '__proto__')) return true;
		open.push(...Object.values(value).filter((child) => typeof child === 'object' && child !== null));
	}
	return false;
}

const invalid = (place: string, message: string): YamlText => ({ kind: 'invalid', place, message });
