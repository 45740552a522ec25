// Rego as policies use it: v0 and v1, what a denial is, and where the real engine takes silence for consent.
import { commandRunType, productType } from '@affidavit/attest/type-uris.ts';
import { commandRun, compiler, digestOf, product } from '../attestors.ts';
import type { MatrixCase } from '../case.ts';
import type { honest, RegoModule } from '../maker.ts';
import { scenario } from '../scenario.ts';

/** An honest build under these modules on its command-run. */
export const judged = (
	name: string,
	peer: MatrixCase['peer'],
	rego: readonly (string | RegoModule)[],
	more: Partial<MatrixCase> & { attestations?: ReturnType<typeof honest> } = {},
): MatrixCase => {
	const { attestations, ...fields } = more;
	return scenario(
		name,
		peer,
		() => ({ steps: [{ rego }], collections: [attestations ? { attestations } : {}] }),
		fields,
	);
};

const trojan = digestOf('trojan');
const genuine = digestOf('cc');

/** The rule of the talk. */
const talk = (digest: string): string => `package trace_demo
deny[msg] {
  input.processes[_].programdigest.sha256 == "${digest}"
  msg := "Malicious Compiler"
}
`;
const denying = (name = 'denying'): string => `package ${name}
deny[msg] { input.exitcode == 0; msg := "exit code is zero" }
`;
const silent = (name = 'silent'): string => `package ${name}
deny[msg] { input.exitcode != 0; msg := "exit code" }
`;
/** A module of these lines under package p. */
const p = (...lines: string[]): string => ['package p', ...lines].join('\n');

export const regoCases: readonly MatrixCase[] = [
	judged("the talk's rule on an honest build", 'accept', [talk(trojan)]),
	judged("the talk's rule on its compiler", 'reject', [talk(genuine)], { says: /Malicious Compiler/ }),
	judged(
		'a rule with import rego.v1 that denies',
		'reject',
		[
			p(
				'import rego.v1',
				'deny contains msg if {',
				'some proc in input.processes',
				`proc.programdigest.sha256 == "${genuine}"`,
				'msg := "v1"',
				'}',
			),
		],
		{ says: /v1/ },
	),
	judged('a rule with import rego.v1 that does not', 'accept', [
		p(
			'import rego.v1',
			'deny contains msg if {',
			'some proc in input.processes',
			`proc.programdigest.sha256 == "${trojan}"`,
			'msg := "v1"',
			'}',
		),
	]),
	judged('future keywords, each imported', 'reject', [
		p(
			'import future.keywords.contains',
			'import future.keywords.if',
			'import future.keywords.in',
			'deny contains "x" if 0 in [input.exitcode]',
		),
	]),
	judged('v1 syntax without the import', 'reject', [p('deny contains "x" if false')]),
	judged('v0 syntax under import rego.v1', 'reject', [p('import rego.v1', 'deny[msg] { msg := "x"; false }')]),
	judged('a missing brace', 'reject', [talk(trojan).slice(0, -2)]),
	judged('a module without a package', 'reject', ['deny[msg] { false; msg := "" }']),
	judged('an empty module', 'reject', ['']),
	judged('an unsafe variable', 'reject', [p('deny[msg] { x > 1; msg := "x" }')]),
	judged('an unknown function', 'reject', [p('deny[msg] { nowhere(1); msg := "x" }')]),
	judged('a recursive rule', 'reject', [p('deny[msg] { a; msg := "x" }', 'a { b }', 'b { a }')]),
	judged('several modules, all silent', 'accept', [silent('a'), silent('b'), talk(trojan)]),
	judged('several modules, the last denying', 'reject', [silent('a'), silent('b'), denying()]),
	judged('several modules of one package', 'reject', [silent('p'), denying('p')]),
	// The real engine keeps the last module of a name, and with the first goes its package's deny.
	judged(
		'two modules of one name, the last denying',
		'accept',
		[
			{ name: 'same', module: silent('a') },
			{ name: 'same', module: denying('b') },
		],
		{ traps: ['rego-denial-switched-off'] },
	),
	judged(
		'two modules of one name, the first denying',
		'accept',
		[
			{ name: 'same', module: denying('a') },
			{ name: 'same', module: silent('b') },
		],
		{ traps: ['rego-denial-switched-off'] },
	),
	judged('two denials beside each other', 'reject', [p('deny["a"] { true }', 'deny["b"] { true }')], {
		says: /a, b|a,b/,
	}),
	judged('the same denial twice', 'reject', [p('deny["a"] { true }', 'deny["a"] { input.exitcode == 0 }')]),
	judged('no deny at all', 'accept', [p('allow { true }')], { traps: ['rego-no-deny'] }),
	judged('a package alone', 'accept', [p()], { traps: ['rego-no-deny'] }),
	judged('a helper without deny beside a silent rule', 'accept', [silent(), p('helper { true }')], {
		traps: ['rego-no-deny'],
	}),
	judged('a helper without deny beside a denial', 'accept', [denying(), p('helper { true }')], {
		traps: ['rego-no-deny', 'rego-denial-switched-off'],
	}),
	judged(
		'an undefined complete deny beside a denial',
		'accept',
		[denying(), p('deny = ["x"] { input.exitcode == 1 }')],
		{
			traps: ['rego-deny-undefined', 'rego-denial-switched-off'],
		},
	),
	judged('a helper in the package of the rule', 'reject', [
		p('helper { input.exitcode == 0 }'),
		p('deny["x"] { helper }'),
	]),
	judged('a helper package with an empty deny', 'reject', [
		p('helper { true }', 'deny[m] { false; m := "" }'),
		denying(),
	]),
	judged('a boolean deny', 'reject', [p('deny { true }')]),
	judged('a boolean deny that is undefined', 'accept', [p('deny { input.exitcode == 1 }')], {
		traps: ['rego-deny-undefined'],
	}),
	judged('a boolean deny that is false', 'reject', [p('default deny = false', 'deny { input.exitcode == 1 }')]),
	judged('an object deny', 'reject', [p('deny[k] = v { k := "a"; v := "b" }')]),
	judged('an empty object deny', 'reject', [p('deny = {} { true }')]),
	judged('a set of numbers', 'reject', [p('deny[1] { true }')]),
	judged('a set of strings and a number', 'reject', [p('deny["a"] { true }', 'deny[1] { true }')]),
	judged('a deny of null', 'reject', [p('deny = null { true }')]),
	judged('a deny that is a string', 'reject', [p('deny = "no" { true }')]),
	judged('a deny that is a number', 'reject', [p('deny = 1 { true }')]),
	judged('an array of strings', 'reject', [p('deny = ["a", "b"] { true }')]),
	judged('an empty array', 'accept', [p('deny = [] { true }')]),
	judged('a constant empty array', 'accept', [p('deny = []')]),
	judged('a comprehension that is empty', 'accept', [p('deny = [m | m := "x"; input.exitcode == 1]')]),
	judged('an empty reason', 'reject', [p('deny[""] { true }')]),
	judged('a default deny of a set', 'accept', [p('default deny = set()')]),
	judged("the empty set as a rule's name", 'reject', [p('set() { true }', 'deny["x"] { false }')]),
	judged('a number of 57,600 digits, above one', 'reject', [
		p(
			`n0 = ${'9'.repeat(900)} { true }`,
			...Array.from({ length: 6 }, (_, i) => `n${i + 1} = n${i} * n${i} { true }`),
			'deny["x"] { n6 > 1 }',
		),
	]),
	judged('a deny function', 'reject', [p('deny(x) = "a" { x }')]),
	judged('a complete rule with two values', 'reject', [p('deny = ["a"] { true }', 'deny = ["b"] { true }')]),
	judged('a helper with two values', 'reject', [p('a = 1 { true }', 'a = 2 { true }', 'deny[m] { a == 3; m := "x" }')]),
	judged('a built-in that refuses its argument', 'accept', [p('deny["x"] { to_number(input.cmd[0]) == 1 }')], {
		traps: ['rego-builtin-error'],
	}),
	judged('a division by zero', 'accept', [p('deny["x"] { 1 / input.exitcode > 0 }')], {
		traps: ['rego-builtin-error'],
	}),
	judged('a broken regular expression', 'accept', [p('deny["x"] { re_match(concat("", ["(", input.cmd[0]]), "x") }')], {
		traps: ['rego-builtin-error'],
	}),
	judged('a field that is missing', 'accept', [p('deny["x"] { input.processes[_].exedigest.sha256 == "00" }')], {
		traps: ['rego-missing-field'],
	}),
	judged('a field that is missing under not', 'reject', [
		p('deny["no digest"] { proc := input.processes[_]; not proc.exedigest }'),
	]),
	judged('a field that one of two processes lacks', 'accept', [talk(trojan)], {
		attestations: [commandRun([compiler(), { program: '/bin/sh', processid: 2 }]), product({ app: 'app' })],
		traps: ['rego-missing-field'],
	}),
	judged('no processes at all', 'accept', [talk(trojan)], {
		attestations: [commandRun([]), product({ app: 'app' })],
		traps: ['rego-missing-field'],
	}),
	judged('an extra field, dropped before Rego', 'accept', [p('deny["root"] { input.processes[_].uid == 0 }')], {
		attestations: [commandRun([{ ...compiler(), uid: 0 }]), product({ app: 'app' })],
		traps: ['rego-missing-field'],
	}),
	judged('a zero value that the file does not hold', 'reject', [p('deny["zero"] { input.exitcode == 0 }')], {
		attestations: [{ type: commandRunType, attestation: { cmd: ['x'] } }, product({ app: 'app' })],
	}),
	judged('a command that the file does not hold', 'reject', [p('deny["null"] { input.cmd == null }')], {
		attestations: [{ type: commandRunType, attestation: {} }, product({ app: 'app' })],
	}),
	judged('an empty text, dropped before Rego', 'accept', [p('deny["empty"] { input.stdout == "" }')], {
		attestations: [commandRun([compiler()], { stdout: '' }), product({ app: 'app' })],
		traps: ['rego-missing-field'],
	}),
	judged('a differently-cased field of an attestor', 'reject', [talk(genuine)], {
		attestations: [commandRun([{ ProgramDigest: { sha256: genuine } }]), product({ app: 'app' })],
	}),
	judged('a number beyond 2^53', 'reject', [p('deny["big"] { input.processes[_].processid == 9007199254740993 }')], {
		attestations: [commandRun([compiler(), { ...compiler(), processid: 42 }]), product({ app: 'app' })],
		make: (m) =>
			m.given({
				steps: [{ rego: [p('deny["big"] { input.processes[_].processid == 9007199254740993 }')] }],
				collections: [{ payload: (text) => text.replace('"processid":4711', '"processid":9007199254740993') }],
			}),
	}),
	judged('a number beside one beyond 2^53', 'accept', [], {
		make: (m) =>
			m.given({
				steps: [{ rego: [p('deny["big"] { input.processes[_].processid == 9007199254740992 }')] }],
				collections: [{ payload: (text) => text.replace('"processid":4711', '"processid":9007199254740993') }],
			}),
	}),
	judged('a denial on the second of two command-runs', 'reject', [talk(trojan)], {
		attestations: [commandRun(), commandRun([compiler('trojan')]), product({ app: 'app' })],
	}),
	judged('a denial on the first of two command-runs', 'reject', [talk(trojan)], {
		attestations: [commandRun([compiler('trojan')]), commandRun(), product({ app: 'app' })],
	}),
	scenario('two collections for a step, one of them denied', 'accept', () => ({
		steps: [{ rego: [talk(trojan)] }],
		collections: [
			{ file: 'good' },
			{ file: 'bad', attestations: [commandRun([compiler('trojan')]), product({ app: 'app' })] },
		],
	})),
	scenario('two collections for a step, both denied', 'reject', () => ({
		steps: [{ rego: [talk(trojan)] }],
		collections: ['one', 'two'].map((file) => ({
			file,
			attestations: [commandRun([compiler('trojan')], { stdout: file }), product({ app: 'app' })],
		})),
	})),
	scenario('Rego on the products', 'reject', () => ({
		steps: [{ regoOn: productType, rego: [p('deny[path] { input[path].digest.sha256; path == "app" }')] }],
	})),
	scenario('the same type required twice, the second with a denial', 'reject', () => ({
		policy: (policy) => {
			const steps = policy['steps'] as Record<string, { attestations: { type: string; regopolicies: unknown }[] }>;
			const module = Buffer.from(denying()).toString('base64');
			steps['build']?.attestations.push({ type: commandRunType, regopolicies: [{ name: 'late', module }] });
			return policy;
		},
	})),
	judged('a rule that reads the clock', 'reject', [p('deny["late"] { time.now_ns() > 1700000000000000000 }')]),
	judged('a rule that looks at data', 'accept', [p('deny["x"] { data.allowed[_] == "x" }')]),
	judged('a rule of another package', 'reject', [
		'package lib\nbad { input.exitcode == 0 }\ndeny[m] { false; m := "" }',
		p('deny["x"] { data.lib.bad }'),
	]),
	judged('a nested package', 'reject', ['package a.b.c\ndeny["x"] { true }']),
	judged('a package with a quoted part', 'reject', ['package a["b-c"]\ndeny["x"] { true }']),
	judged('two packages, one below the deny of the other', 'reject', [
		'package a\ndeny["x"] { true }',
		'package a.deny\nx { true }',
	]),
	judged('input changed by with', 'reject', [
		p('bad { input.exitcode == 1 }', 'deny["x"] { bad with input.exitcode as 1 }'),
	]),
	judged('every, some and in', 'reject', [
		p(
			'import rego.v1',
			'deny contains "x" if { every proc in input.processes { startswith(proc.program, "/usr") }',
			'some i, c in input.cmd',
			'i == 0',
			'c == "make" }',
		),
	]),
	judged(
		'sprintf of a digest',
		'reject',
		[p('deny[msg] { d := input.processes[i].programdigest.sha256; msg := sprintf("%d: %s", [i, d]) }')],
		{
			says: new RegExp(`0: ${genuine}`),
		},
	),
];
