// Rego modules that parse, and changes of their words: most results are no Rego, and some mean something else.
import fc from 'fast-check';

const modules: readonly string[] = [
	`package p
deny[msg] { input.processes[i].programdigest.sha256 == "00"; msg := sprintf("%d", [i]) }
deny[msg] { not input.cmd; msg := "no command" }`,
	`package p
import rego.v1
allowed := {"make", "cc"}
deny contains msg if { some c in input.cmd; not c in allowed; msg := concat(" ", ["not allowed:", c]) }
deny contains "exit" if input.exitcode != 0`,
	`package p
default ok = false
ok { count(input.processes) > 0; lower(input.cmd[0]) == "make" }
deny["not ok"] { not ok }
f(x) = y { y := x + 1 } else = 0 { true }
deny[m] { f(input.exitcode) == 2; m := "two" }`,
	`package p
import future.keywords.every
import future.keywords.in
tools := {d | d := input.processes[_].programdigest.sha256}
names := [n | n := input.processes[_].program; startswith(n, "/usr")]
byname := {n: d | d := input.processes[i].programdigest.sha256; n := input.processes[i].program}
deny["many"] { count(tools) > 5 }
deny["outside"] { every n in names { not contains(n, "bin") } }
deny["none"] { byname["/usr/bin/cc"] == "x" } `,
];

const words: readonly string[] = [
	...[
		'{',
		'}',
		'[',
		']',
		'(',
		')',
		',',
		';',
		':=',
		'=',
		'==',
		'!=',
		'<',
		'>',
		'|',
		'&',
		'+',
		'-',
		'*',
		'/',
		'%',
		'.',
		':',
		'_',
		'\n',
		' ',
	],
	...[
		'not',
		'some',
		'every',
		'in',
		'else',
		'default',
		'with',
		'as',
		'import',
		'package',
		'if',
		'contains',
		'true',
		'false',
		'null',
	],
	...[
		'input',
		'data',
		'deny',
		'msg',
		'x',
		'input.cmd',
		'input.exitcode',
		'data.p.deny',
		'"s"',
		'`raw`',
		'1',
		'-0.5',
		'1e3',
		'set()',
		'{}',
		'[]',
	],
	...[
		'count(',
		'sum(',
		'to_number(',
		'object.get(',
		'walk(',
		'regex.match(',
		'print(',
		'http.send(',
		'rego.v1',
		'x[_]',
		'#c',
	],
];

export interface ModuleChange {
	at: number;
	kind: 'replace' | 'insert' | 'remove' | 'swap';
	word: string;
}

export const moduleChange: fc.Arbitrary<ModuleChange> = fc.record({
	at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
	kind: fc.constantFrom('replace', 'insert', 'remove', 'swap'),
	word: fc.constantFrom(...words),
});

/** A module in words, changed, and put together again. */
export function changedModule(which: number, changes: readonly ModuleChange[]): string {
	const parts = (modules[which % modules.length] as string).match(/\w+|"[^"]*"|\s+|./g) ?? [];
	for (const { at, kind, word } of changes) {
		const i = Math.floor(at * parts.length);
		if (kind === 'replace') parts[i] = word;
		else if (kind === 'insert') parts.splice(i, 0, word);
		else if (kind === 'remove') parts.splice(i, 1);
		else [parts[i], parts[i + 1]] = [parts[i + 1] ?? '', parts[i] ?? ''];
	}
	return parts.join('');
}
