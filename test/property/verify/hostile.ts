// Inputs that are made to cost: each is verified in a process of its own, whose time and memory are measured.
import { gitType } from '@affidavit/attest/type-uris.ts';
import { commandRun, compiler, git, material, product } from '../../interop/policy-matrix/attestors.ts';
import type { Inputs } from '../../interop/policy-matrix/case.ts';
import type { Maker, Scenario } from '../../interop/policy-matrix/maker.ts';
import { honest } from '../../interop/policy-matrix/maker.ts';

export interface HostileInput {
	name: string;
	make(maker: Maker): Promise<Inputs>;
}

const nesting = 100_000;
const megabyte = 1_000_000;
const nested = (levels = nesting): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
const nestedObjects = (levels = nesting): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;

const of = (name: string, make: (maker: Maker) => Scenario | Promise<Scenario>): HostileInput => ({
	name,
	make: async (maker) => maker.given(await make(maker)),
});

/** A field `x` of this JSON text in the envelope, the statement, an attestor, the policy. */
const fields = (name: string, json: string): HostileInput[] => {
	const put = (text: string): string => `{"x":${json},${text.slice(1)}`;
	const attestor = (text: string): string => text.replace('"exitcode":', `"x":${json},"exitcode":`);
	const typed = (text: string): string => text.replace('"exitcode":0', `"exitcode":${json}`);
	return [
		of(`${name} in an envelope`, () => ({ collections: [{ text: put }] })),
		of(`${name} in a statement`, () => ({ collections: [{ payload: put }] })),
		of(`${name} in an attestor`, () => ({ collections: [{ payload: attestor }] })),
		of(`${name} in place of a number`, () => ({ collections: [{ payload: typed }] })),
		of(`${name} in a policy`, () => ({ payload: put })),
		of(`${name} in a policy's envelope`, () => ({ text: put })),
	];
};

/** A module of these lines judges a command-run of many processes. */
const rego = (name: string, lines: readonly string[], processes = 300): HostileInput =>
	of(name, () => ({
		steps: [{ rego: [['package p', ...lines].join('\n')] }],
		collections: [
			{
				attestations: [
					commandRun(Array.from({ length: processes }, (_, i) => ({ ...compiler(`cc${i}`), processid: i }))),
					product({ app: 'app' }),
				],
			},
		],
	}));

const regoInputs: readonly HostileInput[] = [
	rego('a join of four variables', [
		'deny["x"] { a := input.processes[_]; b := input.processes[_]; c := input.processes[_]; d := input.processes[_]; a.processid + b.processid + c.processid + d.processid == -1 }',
	]),
	rego('a comprehension of all pairs, squared', [
		't := {[a, b] | a := input.processes[_].processid; b := input.processes[_].processid}',
		'deny["x"] { t[[a, b]]; t[[b, c]]; t[[c, d]]; a + d == -1 }',
	]),
	rego('a giant range', ['deny["x"] { count(numbers.range(1, 1000000000)) == 1 }']),
	rego('a product of ranges', [
		'deny["x"] { a := numbers.range(1, 100000)[_]; b := numbers.range(1, 100000)[_]; a * b == -1 }',
	]),
	rego('a text that doubles', [
		't0 = "xxxxxxxxxxxxxxxx" { true }',
		...Array.from({ length: 30 }, (_, i) => `t${i + 1} = concat("", [t${i}, t${i}]) { true }`),
		'deny["x"] { count(t30) == 1 }',
	]),
	rego('an array that doubles', [
		't0 = [1, 2, 3, 4] { true }',
		...Array.from({ length: 30 }, (_, i) => `t${i + 1} = array.concat(t${i}, t${i}) { true }`),
		'deny["x"] { count(t30) == 1 }',
	]),
	rego('a value nested by doubling', [
		't0 = [1] { true }',
		...Array.from({ length: 40 }, (_, i) => `t${i + 1} = [t${i}, t${i}] { true }`),
		'deny["x"] { json.marshal(t40) == "" }',
	]),
	rego('a product of sets', [
		's = numbers.range(1, 2000)',
		'deny["x"] { p := {[a, b, c] | a := s[_]; b := s[_]; c := s[_]}; count(p) == 1 }',
	]),
	rego('a power of numbers', ['deny["x"] { n := 10000000000 * 10000000000; m := bits.lsh(1, 1000000000); n == m }']),
	rego('a product of long numbers', [
		`n0 = ${'9'.repeat(1000)} { true }`,
		...Array.from({ length: 30 }, (_, i) => `n${i + 1} = n${i} * n${i} { true }`),
		'deny["x"] { n30 == 1 }',
	]),
	rego('a catastrophic regular expression', [
		'deny["x"] { regex.match("^(a+)+$", concat("", [x | _ = numbers.range(1, 50000)[_]; x = "a"])) }',
		'deny["y"] { regex.match("^(a|a?)+$", sprintf("%s!", [concat("", ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"])])) }',
	]),
	rego('a large repetition in a regular expression', ['deny["x"] { regex.match("((a{1,100}){1,100}){1,100}", "a") }']),
	rego('a glob of many stars', [
		'deny["x"] { glob.match("*a*a*a*a*a*a*a*a*a*a*a*a*b", [], concat("", [x | numbers.range(1, 20000)[_]; x = "a"])) }',
	]),
	rego('a walk over everything, squared', [
		'deny["x"] { walk(input, [p, _]); walk(input, [q, _]); walk(input, [r, _]); p == q; q != r; r == ["none"] }',
	]),
	rego('a sprintf of a wide field', ['deny["x"] { sprintf("%999999999d", [1]) == "" }']),
	rego('replacements that grow', [
		't0 = "a"',
		...Array.from({ length: 30 }, (_, i) => `t${i + 1} = replace(t${i}, "a", "aaaa") { true }`),
		'deny["x"] { t30 == "" }',
	]),
	rego('a chain of 5,000 functions', [
		'f0(x) = x { true }',
		...Array.from({ length: 5000 }, (_, i) => `f${i + 1}(x) = y { y := f${i}(x) }`),
		'deny["x"] { f5000(1) == 2 }',
	]),
	rego('20,000 rules', [
		...Array.from({ length: 20_000 }, (_, i) => `r${i} { input.exitcode == ${i} }`),
		'deny["x"] { r19999 }',
	]),
	rego('parentheses 100,000 deep', [`deny["x"] { ${'('.repeat(nesting)}1${')'.repeat(nesting)} == 2 }`]),
	rego('arrays 100,000 deep', [`deny["x"] { ${nested()} == 2 }`]),
	rego('not 100,000 times', [`deny["x"] { ${'not '.repeat(nesting)}true }`]),
	rego('a reference of 100,000 parts', [`deny["x"] { input${'.a'.repeat(nesting)} == 2 }`]),
	rego('a sum of 100,000 parts', [`deny["x"] { 1${' + 1'.repeat(nesting)} == 2 }`]),
	rego('else 20,000 times', [`a = 1 { false }${' else = 2 { false }'.repeat(20_000)}`, 'deny["x"] { a == 3 }']),
	rego('with 20,000 times', [`deny["x"] { input.a == 3${' with input.a as 1'.repeat(20_000)} }`]),
	rego('a string of 5 MB', [`deny["x"] { input.cmd[0] == "${'x'.repeat(5 * megabyte)}" }`]),
	rego('a number of a million digits', [`deny["x"] { input.exitcode == ${'9'.repeat(megabyte)} }`]),
	rego('a number with a huge exponent', [
		'deny["x"] { input.exitcode == 1e999999999 }',
		'deny["y"] { 1e999999999 + 1 == 1e-999999999 }',
	]),
	of('a heavy module for each of 50 attestors', () => ({
		steps: [
			{
				rego: [
					'package p\ndeny["x"] { a := input.processes[_]; b := input.processes[_]; c := input.processes[_]; a.processid + b.processid + c.processid == -1 }',
				],
			},
		],
		collections: [
			{
				attestations: [
					...Array.from({ length: 50 }, () => commandRun(Array.from({ length: 250 }, (_, i) => ({ processid: i })))),
					product({ app: 'app' }),
				],
			},
		],
	})),
];

/** Many of everything that somebody without a key can send, and of what a policy can ask for. */
const manyInputs: readonly HostileInput[] = [
	of('17 steps of 20,000 rules each', () => {
		const names = Array.from({ length: 17 }, (_, i) => `s${i}`);
		const rules = Array.from({ length: 20_000 }, (_, i) => `r${i} { input.exitcode == ${i} }`).join('\n');
		return {
			steps: names.map((name) => ({ name, rego: [`package ${name}\n${rules}\ndeny["x"] { r19999 }`] })),
			collections: names.map((name) => ({ name })),
		};
	}),
	of('10,000 envelopes', async (m) => {
		const { bytes } = await m.collection();
		return { collections: [], files: Array.from({ length: 10_000 }, (_, i) => ({ name: `${i}.json`, bytes })) };
	}),
	of('64 signatures in each of 1,000 envelopes', async (m) => ({
		keys: ['a', 'b', 'c', 'd'].map((l) => m.key('rsa2048', l)).concat(m.builder),
		collections: [],
		files: await Promise.all(
			Array.from({ length: 1000 }, (_, i) =>
				m.collection({
					file: `${i}.json`,
					attestations: [commandRun(), product({ app: 'app', [`${i}`]: `${i}` })],
					envelope: (e) => ({
						...e,
						signatures: Array.from({ length: 64 }, () => ({ keyid: '', sig: 'A'.repeat(344) })),
					}),
				}),
			),
		),
	})),
	of('100,000 signatures', () => ({
		collections: [{ envelope: (e) => ({ ...e, signatures: Array.from({ length: 100_000 }, () => e.signatures[0]) }) }],
	})),
	of('100,000 subjects', () => ({
		collections: [
			{ subjects: Array.from({ length: 100_000 }, (_, i) => ({ name: `s${i}`, digest: { sha256: `${i}` } })) },
		],
	})),
	of('100,000 attestors', () => ({
		collections: [{ attestations: [...Array.from({ length: 100_000 }, () => material({})), ...honest()] }],
	})),
	of('10,000 git attestors, each with a commit of its own', () => ({
		steps: [{ types: [gitType] }],
		collections: [{ attestations: [...Array.from({ length: 10_000 }, (_, i) => git(`${i}`)), ...honest()] }],
	})),
	of('10,000 steps', () => ({
		steps: Array.from({ length: 10_000 }, (_, i) => ({ name: `s${i}`, artifactsFrom: [`s${i + 1}`] })),
	})),
	of('10,000 keys', (m) => ({
		policy: (p) => ({
			...p,
			publickeys: Object.fromEntries(
				Array.from({ length: 10_000 }, (_, i) => [
					`${i}`,
					(p['publickeys'] as Record<string, unknown>)[m.builder.keyId],
				]),
			),
		}),
	})),
	of('10,000 functionaries', (m) => ({
		steps: [
			{ functionaries: Array.from({ length: 10_000 }, () => ({ type: 'publickey', publickeyid: m.owner.keyId })) },
		],
	})),
	of('materials and products of 200,000 paths', () => {
		const files = Object.fromEntries(
			Array.from({ length: 200_000 }, (_, i) => [`dir${i % 997}/file${i}`, { sha256: `${i}` }]),
		);
		return {
			steps: [
				{ name: 'fetch', types: [gitType] },
				{ name: 'build', types: [gitType], artifactsFrom: ['fetch'] },
			],
			collections: [
				{ name: 'fetch', attestations: [git(), product(files)] },
				{ name: 'build', attestations: [git(), material(files), product({ app: 'app' })] },
			],
		};
	}),
	of('20 collections of 10,000 materials against 20 of as many products', () => {
		const files = (n: number) =>
			Object.fromEntries(
				Array.from({ length: 10_000 }, (_, i) => [`f${i}`, { sha256: i === 9_999 ? `${n}` : `${i}` }]),
			);
		return {
			steps: [
				{ name: 'fetch', types: [gitType] },
				{ name: 'build', types: [gitType], artifactsFrom: ['fetch'] },
			],
			collections: Array.from({ length: 20 }, (_, i) => [
				{ name: 'fetch', file: `f${i}`, attestations: [git(), product(files(i))] },
				{ name: 'build', file: `b${i}`, attestations: [git(), material(files(100 + i)), product({ app: 'app' })] },
			]).flat(),
		};
	}),
	of('white space of 60 MB', () => ({ collections: [{ text: (t) => `${' '.repeat(60 * megabyte)}${t}` }] })),
	of('a payload of 90 MB that is one text', () => ({
		collections: [{ payload: (t) => t.replace('"make"', `"${'x'.repeat(67 * megabyte)}"`) }],
	})),
	of('a payload of 90 MB of empty arrays', () => ({
		collections: [{ payload: (t) => `{"x":[${'[],'.repeat(20 * megabyte)}0],${t.slice(1)}` }],
	})),
	of('a payload of 60 MB of small numbers', () => ({
		collections: [{ payload: (t) => t.replace('"exitcode":0', `"exitcode":0,"x":[${'1,'.repeat(20 * megabyte)}0]`) }],
	})),
	of('a payload of 40 MB of keys', () => ({
		collections: [
			{
				payload: (t) =>
					t.replace(
						'"exitcode":0',
						`"exitcode":0,"x":{${Array.from({ length: 2 * megabyte }, (_, i) => `"${i.toString(36)}":0`).join(',')}}`,
					),
			},
		],
	})),
];

export const hostileInputs: readonly HostileInput[] = [
	...fields('arrays 100,000 deep', nested()),
	...fields('objects 100,000 deep', nestedObjects()),
	...fields('a number of a million digits', '9'.repeat(megabyte)),
	...fields('a number with a huge exponent', '1e999999999'),
	...fields('a string of 20 MB', `"${'x'.repeat(20 * megabyte)}"`),
	...regoInputs,
	...manyInputs,
];
