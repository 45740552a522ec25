import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { leaves } from '../../src/config/keys.ts';
import { type ConfigSources, type FlagValue, resolveConfig } from '../../src/config/resolve.ts';

const sources = (part: Partial<ConfigSources>): ConfigSources => ({
	flags: [],
	env: {},
	file: null,
	cwd: '/cwd',
	defaultDataDir: '/home/u/.local/share/affidavit',
	...part,
});
const file = (text: string): ConfigSources['file'] => ({ name: 'affidavit.yaml', text, dir: '/etc/affidavit' });

function resolved(part: Partial<ConfigSources>) {
	const result = resolveConfig(sources(part));
	assert.equal(result.kind, 'ok', result.kind === 'error' ? result.problems.join('\n') : '');
	return result as Extract<typeof result, { kind: 'ok' }>;
}
function problems(part: Partial<ConfigSources>): string[] {
	const result = resolveConfig(sources(part));
	assert.equal(result.kind, 'error');
	return (result as Extract<typeof result, { kind: 'error' }>).problems;
}

test('defaults alone are a whole configuration', () => {
	const { config, origins } = resolved({});
	assert.equal(config.outDir, '/home/u/.local/share/affidavit/attestations');
	assert.equal(config.keyFile, '/home/u/.local/share/affidavit/keys/signing.pem');
	assert.equal(config.skewMsMax, 10_000);
	assert.ok([...origins.values()].every((origin) => origin === 'default'));
});

// Every numeric leaf, with values that it takes.
const numeric = [
	{ path: ['skewMsMax'], variable: 'AFFIDAVIT_SKEW_MS_MAX', min: 0, max: 600_000 },
	{ path: ['partitions'], variable: 'AFFIDAVIT_PARTITIONS', min: 1, max: 256 },
	{ path: ['limits', 'lineBytesMax'], variable: 'AFFIDAVIT_LIMITS__LINE_BYTES_MAX', min: 1024, max: 1_000_000 },
];
const layers = fc.record({
	flag: fc.option(fc.nat(), { nil: undefined }),
	env: fc.option(fc.nat(), { nil: undefined }),
	file: fc.option(fc.nat(), { nil: undefined }),
});

test('flag over environment over file over default, for each key on its own', () => {
	fc.assert(
		fc.property(fc.tuple(layers, layers, layers), (drawn) => {
			const flags: FlagValue[] = [];
			const env: Record<string, string> = {};
			const tree: Record<string, unknown> = {};
			const defaults = resolved({}).config as unknown as Record<string, never>;
			const expected = numeric.map(({ path, variable, min, max }, i) => {
				const scale = (n: number): number => min + (n % (max - min + 1));
				const layer = drawn[i as 0 | 1 | 2];
				if (layer.flag !== undefined) flags.push({ path, value: scale(layer.flag), flag: '--x' });
				if (layer.env !== undefined) env[variable] = String(scale(layer.env));
				if (layer.file !== undefined) {
					if (path.length === 1) tree[path[0] as string] = scale(layer.file);
					else tree['limits'] = { lineBytesMax: scale(layer.file) };
				}
				const value = layer.flag ?? layer.env ?? layer.file;
				const fallback: unknown = path.reduce((holder, key) => holder[key] as never, defaults);
				const origin = [
					[layer.flag, 'flag'],
					[layer.env, 'environment'],
					[layer.file, 'affidavit.yaml'],
				].find(([v]) => v !== undefined)?.[1];
				return { value: value === undefined ? fallback : scale(value), origin: String(origin ?? 'default') };
			});
			const { config, origins } = resolved({ flags, env, file: file(stringify(tree)) });
			numeric.forEach(({ path }, i) => {
				const value: unknown = path.reduce(
					(holder, key) => holder[key] as never,
					config as unknown as Record<string, never>,
				);
				assert.equal(value, expected[i]?.value);
				assert.ok(origins.get(path.join('.'))?.startsWith(expected[i]?.origin ?? '?'));
			});
		}),
	);
});

test('an empty file says nothing', () => {
	for (const text of ['', '{}', '# only a comment']) assert.deepEqual(resolved({ file: file(text) }), resolved({}));
});

test('hostile files are refused or resolved, and never throw', () => {
	fc.assert(
		fc.property(
			fc.oneof(
				fc.string(),
				fc.jsonValue().map((value) => stringify(value)),
			),
			(text) => {
				const result = resolveConfig(sources({ file: file(text) }));
				if (result.kind === 'error')
					assert.ok(result.problems.length > 0 && result.problems.every((p) => p.length > 0));
			},
		),
	);
});

test('every leaf has a variable of its own', () => {
	const names = leaves().map((leaf) => leaf.variable);
	assert.equal(new Set(names).size, names.length);
	assert.ok(names.includes('AFFIDAVIT_DATA_DIR'));
	assert.ok(names.includes('AFFIDAVIT_WEBHOOK__SECRET_FILE'));
});

test('relative paths count from the file that holds them, else from the working directory', () => {
	const fromFile = resolved({
		file: file('dataDir: data\nindicators: [bad.txt, /abs.txt]\nrepositories: {a/b: ./x.bundle}'),
	});
	assert.equal(fromFile.config.dataDir, '/etc/affidavit/data');
	assert.deepEqual(fromFile.config.indicators, ['/etc/affidavit/bad.txt', '/abs.txt']);
	assert.equal(fromFile.config.repositories['a/b'], '/etc/affidavit/x.bundle');
	assert.equal(resolved({ env: { AFFIDAVIT_DATA_DIR: 'data' } }).config.dataDir, '/cwd/data');
});

test('a flag adds one repository to those of the file', () => {
	const { config, origins } = resolved({
		file: file('repositories:\n  a/b: https://one.example/a.git\n  c/d: https://one.example/c.git'),
		flags: [{ path: ['repositories', 'c/d'], value: '/tmp/c.bundle', flag: '--repo' }],
	});
	assert.deepEqual({ ...config.repositories }, { 'a/b': 'https://one.example/a.git', 'c/d': '/tmp/c.bundle' });
	assert.equal(origins.get('repositories.c/d'), 'flag --repo');
	assert.equal(origins.get('repositories.a/b'), 'affidavit.yaml line 2');
});

test('an environment variable reaches into what the file left out', () => {
	const { config } = resolved({
		file: file('webhook: null'),
		env: {
			AFFIDAVIT_WEBHOOK__URL: 'https://siem.example/in',
			AFFIDAVIT_WEBHOOK__SECRET_ENV: 'SIEM_SECRET',
			AFFIDAVIT_WEBHOOK__LEADS: 'true',
			AFFIDAVIT_WEBHOOK__ALLOW_PRIVATE: '10.0.0.0/8,127.0.0.1',
			AFFIDAVIT_INDICATORS: '/a,/b',
			AFFIDAVIT_REPOSITORIES: '{x/y: /z}',
		},
	});
	assert.equal(config.webhook?.url, 'https://siem.example/in');
	assert.equal(config.webhook?.leads, true);
	assert.deepEqual(config.webhook?.allowPrivate, ['10.0.0.0/8', '127.0.0.1']);
	assert.deepEqual(config.indicators, ['/a', '/b']);
	assert.equal(config.repositories['x/y'], '/z');
});

const wrong: [string, Partial<ConfigSources>, RegExp][] = [
	[
		'an unknown key',
		{ file: file('a: 1\nskewMs: 3') },
		/skewMs \(affidavit\.yaml line 2\): unknown key; expected one of dataDir/,
	],
	[
		'a wrong type',
		{ file: file('skewMsMax: soon') },
		/skewMsMax \(affidavit\.yaml line 1\): expected number, found "soon"/,
	],
	[
		'out of bounds',
		{ env: { AFFIDAVIT_PARTITIONS: '0' } },
		/partitions \(environment AFFIDAVIT_PARTITIONS\): expected .*1, found 0/,
	],
	['an unknown variable', { env: { AFFIDAVIT_DATADIR: '/x' } }, /environment AFFIDAVIT_DATADIR: unknown key/],
	[
		'a variable of the wrong type',
		{ env: { AFFIDAVIT_STRICT_SOURCES: 'yes' } },
		/strictSources .*: expected true or false/,
	],
	['a flag', { flags: [{ path: ['step'], value: '../x', flag: '--step' }] }, /step \(flag --step\): expected letters/],
	[
		'a missing partner',
		{ file: file('source: {kind: export}') },
		/source\.path \(affidavit\.yaml line 1\): expected source\.path/,
	],
	[
		'two secrets',
		{ file: file('webhook: {url: "https://h", secretFile: a, secretEnv: B}') },
		/expected exactly one of/,
	],
	[
		'another scheme',
		{ file: file('webhook: {url: "file:///etc/passwd", secretEnv: B}') },
		/webhook\.url .*expected an http or https URL/,
	],
	['a transport helper', { file: file('repositories: {a: "ext::sh -c id"}') }, /repositories\.a .*transport helper/],
	[
		'no network',
		{
			env: {
				AFFIDAVIT_WEBHOOK__URL: 'https://h',
				AFFIDAVIT_WEBHOOK__SECRET_ENV: 'S',
				AFFIDAVIT_WEBHOOK__ALLOW_PRIVATE: '10.0.0.0/99',
			},
		},
		/webhook\.allowPrivate .*expected true, false, or addresses/,
	],
	['no YAML', { file: file('a: [') }, /affidavit\.yaml line \d+: /],
	['no map', { file: file('- a') }, /expected a map of keys/],
	['a key twice', { file: file('step: a\nstep: b') }, /affidavit\.yaml line 2: .*unique/],
	[
		'a prototype',
		{ flags: [{ path: ['repositories', '__proto__'], value: '/x', flag: '--repo' }] },
		/repositories\.__proto__ \(flag --repo\)/,
	],
	['constructor', { file: file('constructor: 1') }, /constructor \(.*unknown key/],
	['__proto__', { file: file('__proto__: {step: a}') }, /__proto__/],
];
for (const [name, part, pattern] of wrong)
	test(`a wrong configuration is refused by key and origin: ${name}`, () => {
		assert.match(problems(part).join('\n'), pattern);
	});

test('a message shows no credential', () => {
	const text = problems({
		file: file(
			'webhook: {url: "ftp://user:hunter2@h.example/s3cr3t", secretEnv: B}\nrepositories: {a: ["https://u:hunter2@h"]}',
		),
	}).join('\n');
	assert.doesNotMatch(text, /hunter2|s3cr3t/);
});
