import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuiltinError } from '@affidavit/rego/builtins/builtin.ts';
import { builtins, refusedBuiltins } from '@affidavit/rego/builtins/registry.ts';
import type { Value } from '@affidavit/rego/value/value.ts';
import { callWith, contextOf, StepsExceeded } from './calling.ts';

const long = 'a'.repeat(1_000_000);
const many: Value = Array.from({ length: 20_000 }, (_, i) => i);

/** Arguments of which little becomes much; none may be made before it is charged. */
const growing: readonly (readonly [name: string, ...args: Value[]])[] = [
	['numbers.range', 0, 1e12],
	['numbers.range', 0, 2n ** 200n],
	['numbers.range_step', 0, 1e15, 3],
	['bits.lsh', 1, 1e15],
	['bits.lsh', 1, 2n ** 90n],
	['net.cidr_expand', '10.0.0.0/8'],
	['net.cidr_expand', '::/0'],
	['sprintf', '%1000000d'.repeat(500), Array(500).fill(1)],
	['sprintf', '%[1]s'.repeat(1_000), [long]],
	['replace', long, 'a', 'b'.repeat(10_000)],
	['replace', long, '', 'b'.repeat(10_000)],
	['strings.replace_n', { a: 'b'.repeat(10_000) }, long],
	['regex.replace', long, 'a', '$0'.repeat(1_000)],
	['regex.find_all_string_submatch_n', '(((((a)))))', long, -1],
	['concat', long, Array(20_000).fill('a')],
	['split', long, ''],
	['json.marshal_with_options', many, { indent: long }],
	[
		'graph.reachable_paths',
		Object.fromEntries(Array.from({ length: 24 }, (_, i) => [String(i), [String(i + 1), String(i + 2)]])),
		['0'],
	],
	['product', Array(100_000).fill(2n ** 60n)],
	['json.unmarshal', `[1${'0'.repeat(5_000)}e9999]${' '.repeat(9_000_000)}`],
];

for (const [name, ...args] of growing) {
	test(`${name} charges what it makes before it makes it`, () => {
		const start = performance.now();
		assert.throws(() => callWith(contextOf(1_000_000), name, ...args), StepsExceeded);
		assert.ok(performance.now() - start < 1_000);
	});
}

test('numbers that no limit of steps would hold are refused', () => {
	const result = callWith(contextOf(10_000_000), 'mul', 10n ** 15_000n, 10n ** 15_000n);
	assert.ok(result instanceof BuiltinError);
	assert.equal(result.message, 'number too large');
});

test('a name is either done or refused with a reason', () => {
	for (const [name, reason] of refusedBuiltins) {
		assert.ok(!builtins.has(name), name);
		assert.ok(reason.length > 0, name);
	}
	for (const [name, builtin] of builtins) assert.equal(builtin.name, name);
});
