// The pure core of the configuration: layers in, one checked configuration with the origin of every value out.
import { resolve as resolvePath } from 'node:path';
import { parseLocation } from '@affidavit/detect/manifest/location.ts';
import type { z } from 'zod';
import { dotted, leafAt, leaves } from './keys.ts';
import { environmentLayer, fileLayer, type Given } from './layers.ts';
import { maskValue } from './mask.ts';
import { type Config, configSchema, type ParsedConfig } from './schema.ts';

export interface FlagValue {
	/** Path of a leaf, or of an entry of a map (['repositories', NAME]). */
	path: readonly string[];
	value: unknown;
	/** As the user typed it: --out. */
	flag: string;
}

export interface ConfigSources {
	flags: readonly FlagValue[];
	env: Readonly<Record<string, string | undefined>>;
	/** `name`: what messages call it; `dir`: relative paths in it count from here. */
	file: { name: string; text: string; dir: string } | null;
	cwd: string;
	/** Default of dataDir. */
	defaultDataDir: string;
}

/** Key: the dotted path of a leaf, or of a map's entry. */
export type Origins = ReadonlyMap<string, string>;

export type ConfigResult =
	| { kind: 'ok'; config: Config; origins: Origins }
	/** One line each: the key, where its value came from, what was expected. */
	| { kind: 'error'; problems: string[] };

const foundCharsMax = 80;

/** Precedence: flag, environment, file, default. Entries of maps override each other by name. */
export function resolveConfig(sources: ConfigSources): ConfigResult {
	const file = sources.file
		? fileLayer(sources.file.name, sources.file.text, sources.file.dir)
		: { kind: 'ok' as const, given: [] };
	const environment = environmentLayer(sources.env, sources.cwd);
	const problems = [
		...(file.kind === 'error' ? file.problems : []),
		...(environment.kind === 'error' ? environment.problems : []),
	];
	if (file.kind === 'error' || environment.kind === 'error') return { kind: 'error', problems };
	const flags = sources.flags.map(
		({ path, value, flag }): Given => ({ path, value, origin: `flag ${flag}`, baseDir: sources.cwd }),
	);
	const all = [...file.given, ...environment.given, ...flags];
	// The schema library drops such a key without a word.
	const forbidden = all.filter((item) => item.path.includes('__proto__'));
	if (forbidden.length > 0)
		return {
			kind: 'error',
			problems: forbidden.map(
				({ path, origin }) => `${dotted(path)} (${origin}): expected another name than __proto__`,
			),
		};
	const given = lastOfEach(all);

	const parsed = configSchema.safeParse(assemble(given.values(), sources.defaultDataDir));
	if (!parsed.success) return { kind: 'error', problems: parsed.error.issues.flatMap((i) => explain(i, given)) };
	return { kind: 'ok', config: withDerivedDefaults(parsed.data), origins: originsOf(given) };
}

/** Defaults that lie in the data folder. */
function withDerivedDefaults(parsed: ParsedConfig): Config {
	const { dataDir, outDir, keyFile, agent, service } = parsed;
	return {
		...parsed,
		outDir: outDir ?? resolvePath(dataDir, 'attestations'),
		keyFile: keyFile ?? resolvePath(dataDir, 'keys', 'signing.pem'),
		agent: { ...agent, keyFile: agent.keyFile ?? resolvePath(dataDir, 'keys', 'host.pem') },
		service: {
			...service,
			trustedDir: service.trustedDir ?? resolvePath(dataDir, 'keys', 'trusted'),
			blobsDir: service.blobsDir ?? resolvePath(dataDir, 'blobs'),
		},
	};
}

const keyOf = (path: readonly (string | number)[]): string => JSON.stringify(path);

/**
 * What the higher layer says stands. A value replaces what lower layers gave for the same key, for keys below it
 * (`webhook: null`) and for the keys that it lies below (webhook.url over `webhook: null`).
 */
function lastOfEach(all: readonly Given[]): Map<string, Given> {
	const out = new Map<string, Given>();
	for (const item of all) {
		for (let length = 1; length < item.path.length; length++) out.delete(keyOf(item.path.slice(0, length)));
		const leaf = leafAt(item.path);
		const holdsKeys = leaf === undefined || (leaf.kind === 'map' && leaf.path.length === item.path.length);
		if (holdsKeys) for (const [key, earlier] of out) if (isPrefix(item.path, earlier.path)) out.delete(key);
		out.set(keyOf(item.path), item);
	}
	return out;
}

const isPrefix = (a: readonly string[], b: readonly string[]): boolean =>
	a.length <= b.length && a.every((key, i) => key === b[i]);

function assemble(given: Iterable<Given>, defaultDataDir: string): Record<string, unknown> {
	// Null prototypes: a key may be called `constructor`, and is then unknown like any other.
	const out: Record<string, unknown> = Object.create(null);
	out['dataDir'] = defaultDataDir;
	for (const { path, value, baseDir } of given) {
		let holder = out;
		for (const key of path.slice(0, -1)) {
			holder[key] ??= Object.create(null);
			holder = holder[key] as Record<string, unknown>;
		}
		holder[path.at(-1) as string] = absolute(path, value, baseDir);
	}
	return out;
}

/** Paths are made absolute; of repository locations those that git would take for a path. */
function absolute(path: readonly string[], value: unknown, baseDir: string): unknown {
	if (path[0] === 'repositories' && typeof value === 'string')
		return parseLocation(value).kind === 'local' && !value.startsWith('file:') ? resolvePath(baseDir, value) : value;
	if (!leafAt(path)?.isPath) return value;
	if (typeof value === 'string' && value !== '') return resolvePath(baseDir, value);
	if (Array.isArray(value))
		return value.map((item) => (typeof item === 'string' && item !== '' ? resolvePath(baseDir, item) : item));
	return value;
}

function explain(issue: z.core.$ZodIssue, given: ReadonlyMap<string, Given>): string[] {
	const path = issue.path.map(String);
	if (issue.code === 'unrecognized_keys')
		return issue.keys.map((key) => {
			const full = [...path, key];
			return `${dotted(full)} (${originAt(full, given)}): unknown key; expected one of ${knownBelow(path)}`;
		});
	const found = givenAt(path, given);
	const expected = issue.message
		.replace(/^(Invalid (input|option|string)|Too (small|big)): /, '')
		.replace(/, received .*$/, '');
	const shown = found === undefined ? '' : `, found ${describe(found.value, path)}`;
	return [`${dotted(path)} (${originAt(path, given)}): ${expected}${shown}`];
}

function givenAt(path: readonly string[], given: ReadonlyMap<string, Given>): Given | undefined {
	for (let length = path.length; length > 0; length--) {
		const item = given.get(keyOf(path.slice(0, length)));
		if (item) return item;
	}
	return undefined;
}

const originAt = (path: readonly string[], given: ReadonlyMap<string, Given>): string => {
	const exact = givenAt(path, given) ?? [...given.values()].find((item) => isPrefix(path, item.path));
	// A key that is missing: its neighbours say which layer forgot it.
	const sibling =
		exact ?? [...given.values()].find((item) => path.length > 1 && isPrefix(path.slice(0, -1), item.path));
	return sibling?.origin ?? 'default';
};

function describe(value: unknown, path: readonly string[]): string {
	const text = JSON.stringify(maskValue(value, leafAt(path)?.secret ?? 'url')) ?? 'nothing';
	return text.length > foundCharsMax ? `${text.slice(0, foundCharsMax)}…` : text;
}

function knownBelow(path: readonly string[]): string {
	const names = leaves()
		.filter((leaf) => leaf.path.length > path.length && isPrefix(path, leaf.path))
		.map((leaf) => leaf.path[path.length] as string);
	return [...new Set(names)].join(', ');
}

function originsOf(given: ReadonlyMap<string, Given>): Map<string, string> {
	const out = new Map<string, string>();
	for (const leaf of leaves()) out.set(dotted(leaf.path), 'default');
	for (const item of given.values()) {
		const leaf = leafAt(item.path);
		if (leaf && item.path.length > leaf.path.length) out.delete(dotted(leaf.path));
		out.set(dotted(item.path), item.origin);
	}
	return out;
}
