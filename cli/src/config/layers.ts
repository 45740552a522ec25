// One layer of the configuration (flags, environment, file) as a list of values, each with where it came from.
import { isMap, isNode, isScalar, LineCounter, parse, parseDocument } from 'yaml';
import { dotted, type Leaf, leaves, reservedVariables, variablePrefix } from './keys.ts';

export interface Given {
	/** Path of a leaf, or of an entry of a map; or of whatever the file holds that no schema knows (refused later). */
	path: readonly string[];
	value: unknown;
	/** `flag --out`, `environment AFFIDAVIT_OUT_DIR`, `affidavit.yaml line 3`. */
	origin: string;
	/** Relative paths in the value count from here. */
	baseDir: string;
}

export type LayerResult = { kind: 'ok'; given: Given[] } | { kind: 'error'; problems: string[] };

/** Deeper files are refused: no key lies that deep. */
const fileDepthMax = 8;
const aliasesMax = 100;

type Read = { kind: 'value'; value: unknown } | { kind: 'problem'; expected: string };

function readText(text: string, leaf: Leaf): Read {
	switch (leaf.kind) {
		case 'text':
			return { kind: 'value', value: text };
		case 'boolean':
			if (text === 'true' || text === '1') return { kind: 'value', value: true };
			if (text === 'false' || text === '0') return { kind: 'value', value: false };
			return { kind: 'problem', expected: 'true or false' };
		case 'number':
			if (/^-?\d{1,15}(\.\d{1,6})?$/.test(text)) return { kind: 'value', value: Number(text) };
			return { kind: 'problem', expected: 'a number' };
		case 'switch-or-list':
			return readText(text, { ...leaf, kind: text === 'true' || text === 'false' ? 'boolean' : 'list' });
		case 'list':
			if (text.trimStart().startsWith('[')) return readYaml(text, 'a list, [a, b] or a,b', Array.isArray);
			return { kind: 'value', value: text.split(',').filter((item) => item !== '') };
		case 'map':
			return readYaml(text, 'a map, {name: value}', (v) => v !== null && typeof v === 'object' && !Array.isArray(v));
	}
}

function readYaml(text: string, expected: string, accepts: (value: unknown) => boolean): Read {
	try {
		const value: unknown = parse(text);
		return accepts(value) ? { kind: 'value', value } : { kind: 'problem', expected };
	} catch {
		return { kind: 'problem', expected };
	}
}

/** Values of AFFIDAVIT_* variables. A variable that no key has is refused: a typing error must not pass as a default. */
export function environmentLayer(env: Readonly<Record<string, string | undefined>>, cwd: string): LayerResult {
	const given: Given[] = [];
	const problems: string[] = [];
	for (const name of Object.keys(env).sort()) {
		const text = env[name];
		if (!name.startsWith(variablePrefix) || reservedVariables.has(name) || text === undefined) continue;
		const leaf = leaves().find((l) => l.variable === name);
		const origin = `environment ${name}`;
		if (!leaf) {
			problems.push(`${origin}: unknown key; \`affidavit config print --origins\` lists the known ones`);
			continue;
		}
		const read = readText(text, leaf);
		if (read.kind === 'problem') problems.push(`${dotted(leaf.path)} (${origin}): expected ${read.expected}`);
		else spread(leaf, read.value, origin, cwd, given);
	}
	return problems.length > 0 ? { kind: 'error', problems } : { kind: 'ok', given };
}

/** Entries of a map override each other by name, so that a flag adds one repository to those of the file. */
function spread(leaf: Leaf, value: unknown, origin: string, baseDir: string, out: Given[]): void {
	if (leaf.kind !== 'map' || value === null || typeof value !== 'object') {
		out.push({ path: leaf.path, value, origin, baseDir });
		return;
	}
	for (const [key, item] of Object.entries(value))
		out.push({ path: [...leaf.path, key], value: item, origin, baseDir });
}

/** Values of a YAML file, each with its line. `name` is what messages call the file. */
export function fileLayer(name: string, text: string, baseDir: string): LayerResult {
	const lines = new LineCounter();
	const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false, merge: false });
	if (document.errors.length > 0)
		return {
			kind: 'error',
			problems: document.errors.map((e) => `${name} line ${lines.linePos(e.pos[0]).line}: ${e.message}`),
		};
	if (document.contents === null) return { kind: 'ok', given: [] };
	if (!isMap(document.contents)) return { kind: 'error', problems: [`${name}: expected a map of keys`] };
	const given: Given[] = [];
	const problems: string[] = [];
	const visit = (node: unknown, path: readonly string[], line: number): void => {
		if (path.length > fileDepthMax) {
			problems.push(`${name} line ${line}: ${dotted(path)}: nested too deeply`);
			return;
		}
		if (isMap(node) && (node.items.length > 0 || path.length === 0)) {
			for (const item of node.items) {
				const key = isScalar(item.key) ? String(item.key.value) : '';
				const range = isScalar(item.key) ? item.key.range : undefined;
				visit(item.value, [...path, key], range ? lines.linePos(range[0]).line : line);
			}
			return;
		}
		try {
			const value: unknown = isNode(node) ? node.toJS(document, { maxAliasCount: aliasesMax }) : null;
			given.push({ path, value, origin: `${name} line ${line}`, baseDir });
		} catch (cause) {
			problems.push(`${name} line ${line}: ${dotted(path)}: ${cause instanceof Error ? cause.message : String(cause)}`);
		}
	};
	visit(document.contents, [], 1);
	return problems.length > 0 ? { kind: 'error', problems } : { kind: 'ok', given };
}
