import { testAnswers } from './calling.ts';

testAnswers('plus', [
	[[1, 2], 3],
	[[0.1, 0.2], 0.3],
	[[9_007_199_254_740_991, 2], 9_007_199_254_740_993n],
	[[2n ** 64n, 1], 2n ** 64n + 1n],
	[[-(2n ** 53n), 2n ** 53n], 0],
	[['a', 1], { error: 'operand 1 must be number but got string' }],
	[[1, null], { error: 'operand 2 must be number but got null' }],
]);
testAnswers('minus', [
	[[1, 0.9], 0.1],
	[['a', 1], { error: 'operand 1 must be one of {number, set} but got string' }],
	[[1, 'a'], { error: 'operand 2 must be number but got string' }],
]);
testAnswers('mul', [
	[[3, 0.1], 0.3],
	[[0, -1], 0],
	[[4_294_967_296, 4_294_967_296], 2n ** 64n],
	[[2n ** 40_000n, 2n ** 40_000n], { error: 'number too large' }],
]);
testAnswers('div', [
	[[6, 3], 2],
	[[1, 4], 0.25],
	[[0.3, 0.1], 3],
	[[2n ** 64n, 2n ** 62n], 4],
	[[1, 0], { error: 'divide by zero' }],
]);
testAnswers('rem', [
	[[7, 3], 1],
	[[-7, 3], -1],
	[[-6, 3], 0],
	[[10, 2n ** 64n], 10],
	[[1, 0], { error: 'modulo by zero' }],
	[[1.5, 1], { error: 'modulo on floating-point number' }],
]);
testAnswers('round', [
	[[2.5], 3],
	[[-2.5], -3],
	[[0.499_999_999_999_999_94], 0],
]);
testAnswers('ceil', [
	[[1.1], 2],
	[[-1.1], -1],
	// OPA's own: between -1 and 0 the truncated number has lost its sign.
	[[-0.5], 1],
]);
testAnswers('floor', [
	[[1.9], 1],
	[[-1.1], -2],
	[[-0.5], 0],
]);
testAnswers('abs', [
	[[-3], 3],
	[[-(2n ** 60n)], 2n ** 60n],
]);
testAnswers('bits.lsh', [
	[[1, 70], 2n ** 70n],
	[[1, -1], { error: 'operand 2 must be an unsigned integer number but got a negative integer' }],
	[[1, 1.5], { error: 'operand 2 must be integer number but got floating-point number' }],
]);
testAnswers('bits.rsh', [
	[[-8, 1], -4],
	[[-8, 2n ** 70n], -1],
]);
testAnswers('bits.xor', [[[-1, 0xff], -256]]);
testAnswers('bits.negate', [[[0], -1]]);
testAnswers('numbers.range', [
	[
		[1, 3],
		[1, 2, 3],
	],
	[
		[3, 1],
		[3, 2, 1],
	],
	[
		[2n ** 53n, 2n ** 53n + 1n],
		[2n ** 53n, 2n ** 53n + 1n],
	],
	[[1, 'a'], { error: 'operand 2 must be integer but got string' }],
]);
testAnswers('numbers.range_step', [
	[
		[0, 7, 3],
		[0, 3, 6],
	],
	[
		[7, 0, 3],
		[7, 4, 1],
	],
	[[0, 1, 0], { error: 'numbers.range_step: step must be a positive integer' }],
]);
testAnswers('format_int', [
	[[255, 16], 'ff'],
	[[-5.7, 10], '-5'],
	[[2n ** 64n + 1n, 10], '18446744073709551617'],
	[[1, 3], { error: 'operand 2 must be one of {2, 8, 10, 16}' }],
]);
testAnswers('to_number', [
	[['1e3'], 1000],
	[[' 1'], { error: 'strconv.ParseFloat: parsing " 1": invalid syntax' }],
	[['12345678901234567890'], 12_345_678_901_234_567_890n],
	[[null], 0],
	[[true], 1],
	[['Inf'], { error: 'operand 1 must be valid number string but got string' }],
]);
testAnswers('units.parse', [
	[['1.5Ki'], 1536],
	[['1500m'], 1.5],
	[['1M'], 1_000_000],
	[['1 k'], { error: 'units.parse: spaces not allowed in resource strings' }],
	[['1zz'], { error: 'units.parse: unit zz not recognized' }],
]);
testAnswers('units.parse_bytes', [
	[['10KB'], 10_000],
	[['1.5GiB'], 1_610_612_736],
	[['k'], { error: 'units.parse_bytes: no byte amount provided' }],
]);
