import { RegoSet } from '@affidavit/rego/value/value.ts';
import { testAnswers } from './calling.ts';

testAnswers('concat', [
	[[', ', RegoSet.of(['b', 'a'])], 'a, b'],
	[[1, []], { error: 'operand 1 must be string but got number' }],
	[['', [1]], { error: 'operand 2 must be array of strings but got array containing number' }],
]);
testAnswers('contains', [[['abc', ''], true]]);
testAnswers('indexof', [
	[['😀b', 'b'], 1],
	[['a', 'b'], -1],
	[['a', ''], { error: 'empty search character' }],
]);
testAnswers('indexof_n', [
	[
		['😀aaa', 'aa'],
		[1, 2],
	],
]);
testAnswers('lower', [[['ÀİΣ'], 'àiσ']]);
testAnswers('upper', [[['straße'], 'STRAßE']]);
testAnswers('replace', [
	[['a.b.c', '.', '$&'], 'a$&b$&c'],
	[['ab', '', '-'], '-a-b-'],
]);
testAnswers('strings.replace_n', [
	[[{ a: '1', ab: '2' }, 'abab'], '1b1b'],
	[[{ ab: '2', b: '3' }, 'abb'], '23'],
	[[{ a: 1 }, 'a'], { error: 'operand 1 non-string value found in pattern object' }],
]);
testAnswers('split', [
	[
		['a/b/', '/'],
		['a', 'b', ''],
	],
	[
		['h😀', ''],
		['h', '😀'],
	],
	[['', ''], []],
]);
testAnswers('strings.split_n', [
	[
		['a,b,c', ',', 2],
		['a', 'b'],
	],
	[['a,b,c', ',', -1], ['c']],
]);
testAnswers('substring', [
	[['h😀llo', 1, 2], '😀l'],
	[['abc', 1, -1], 'bc'],
	[['abc', 5, 1], ''],
	[['abc', -1, 1], { error: 'negative offset' }],
]);
testAnswers('trim', [[['😀a😀', '😀'], 'a']]);
testAnswers('trim_space', [[['\u0085\u00a0 a\ufeff \n'], 'a\ufeff']]);
testAnswers('trim_prefix', [[['aab', 'a'], 'ab']]);
testAnswers('strings.count', [
	[['aaa', 'aa'], 1],
	[['h😀', ''], 3],
]);
testAnswers('strings.reverse', [[['h😀'], '😀h']]);
testAnswers('strings.any_prefix_match', [
	[[['abc', 'xbc'], RegoSet.of(['q', 'xb'])], true],
	[[[], ['']], false],
	[['a', 1], { error: 'operand 2 must be one of {string, set, array} but got number' }],
]);
testAnswers('strings.any_suffix_match', [[[RegoSet.of(['/usr/bin/cc']), ['/gcc', '/cc']], true]]);
testAnswers('sprintf', [
	[['%s is %d', ['a', 1]], 'a is 1'],
	[['%d', ['x']], '%!d(string=x)'],
	[['%t %s', [true, null]], '%!t(string=true) null'],
	[['%v %v', [{ a: [1, 'x'] }, RegoSet.of([])]], '{"a": [1, "x"]} set()'],
	[
		['%5.1f|%-6s|%06d|%+d|%x|%q|%#x', [3.14, 'ab', -42, 7, 'hi', 'a"\n', 255]],
		'  3.1|ab    |-00042|+7|6869|"a\\"\\n"|0xff',
	],
	[['%v %g %e', [1234567.25, 1e-7, 0.5]], '1.23456725e+06 1e-07 5.000000e-01'],
	[['%.0f %.0f %.2f', [0.5, 1.5, 2.675]], '0 2 2.67'],
	[['%d', [2n ** 80n]], '1208925819614629174706176'],
	[['%[2]d %[1]d %d', [1, 2]], '2 1 2'],
	[['%*d|%.*f', [4, 7, 1, 2.25]], '   7|2.2'],
	[['%d %d', [1]], '1 %!d(MISSING)'],
	[['%d', [1, 'b']], '1%!(EXTRA string=b)'],
	[['%', []], '%!(NOVERB)'],
	[['%[5]d', [1]], '%!d(BADINDEX)'],
	[['100%%', []], '100%'],
	[['%s', 'a'], { error: 'operand 2 must be array but got string' }],
]);
