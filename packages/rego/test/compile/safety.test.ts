// Which bodies can be ordered so that every variable is bound before it is used; what cannot is named.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf } from '../eval/evaluate.ts';

const future = 'import future.keywords\n';

const safe: [given: string, module: string][] = [
	['a variable bound below', 'p { x > 1; x = input.y }'],
	['a chain in reverse', 'p { a = b + 1; b = c + 1; c = input.x }'],
	['both sides in one equation', 'p = [x, y] { [x, 1] = [2, y] }'],
	['the key of a reference', 'p[k] { input[k] }'],
	['keys within one another', 'p[[i, j]] { input[i][j] }'],
	['a key that another reference binds', 'p { input.b[x]; input.a[i] = x }'],
	['a comprehension that needs what is bound below', 'p = n { n = count([y | y = input[_]; y > x]); x = 1 }'],
	['a comprehension with variables of its own', 'p { [x | x = input[_]]; [x | x = input[_]] }'],
	['not with what is bound below', 'p { not input.a[x]; x = 1 }'],
	['an argument', 'f(x) = y { y = x + 1 }'],
	['the output of a call', 'p = x { plus(1, 2, x) }'],
	['every with a variable around it', `${future}p { every x in input { x > y }; y = 1 }`],
	['a nested call that iterates, under not', 'p { not startswith(lower(input[_]), "a") }'],
	['a name of a comprehension that is assigned later', 'p = x { y := [x | x = input[_]]; x := count(y) }'],
	['a wildcard in a pattern', 'p { [_, x] = input; x > 1 }'],
	['a key in a with', 'p[x] { input.a[x] with input as {"a": {"b": 1}} }'],
];

for (const [given, module] of safe) {
	test(`safe: ${given}`, () => assert.deepEqual(problemsOf(module), []));
}

const unsafe: [given: string, module: string, names: string[]][] = [
	['a head that no body binds', 'p[x] { input.a }', ['x']],
	['a value that no body binds', 'p = y { input.a }', ['y']],
	['an operand', 'p { x > 1 }', ['x']],
	['two that need one another', 'p { x = y + 1; y = x + 1 }', ['x', 'y']],
	['two that are only equal', 'p { x = y }', ['x', 'y']],
	['a variable under not', 'p { not input.a[x] }', ['x']],
	['a wildcard under not', 'p { not input.a[_] }', ['_']],
	['a reference under not as argument', 'p { not startswith(input.a[_], "x") }', ['_']],
	['the body of every', `${future}p { every x in input { x > y } }`, ['y']],
	['a comprehension', 'p = [x | y = 1] { true }', ['x']],
	['an element of a set', 'p { {x, 1} = input }', ['x']],
	['a key of a pattern', 'p { {x: 1} = input }', ['x']],
	['an argument of a function that is called', 'f(x) = x\np { f(y) }', ['y']],
	['a value of with', 'p { input.a with input as {"a": x} }', ['x']],
	['what only a negation would bind', 'p[x] { not x = input.a }', ['x']],
];

for (const [given, module, names] of unsafe) {
	test(`unsafe: ${given}`, () => {
		const problems = problemsOf(module);
		const found = problems.map((problem) => /^m0\.rego:\d+:\d+: var (\S+) is unsafe$/.exec(problem)?.[1]);
		assert.deepEqual(found.sort(), names, problems.join('; '));
	});
}
