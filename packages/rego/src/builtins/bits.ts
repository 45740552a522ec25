// Bitwise operations on integers of any size, in two's complement.
import { integer } from '../value/value.ts';
import { exponentMax } from './big-float.ts';
import { type Builtin, BuiltinError, BuiltinLimit } from './builtin.ts';
import { bigOperand, binary, textSteps, unary } from './operand.ts';

const negativeShift = new BuiltinError('operand 2 must be an unsigned integer number but got a negative integer');

const bitwise = (name: string, run: (a: bigint, b: bigint) => bigint): Builtin =>
	binary(name, (a, b, context) => {
		const left = bigOperand(a, 1);
		if (typeof left === 'object') return left;
		const right = bigOperand(b, 2);
		if (typeof right === 'object') return right;
		context.charge(textSteps(typeof a === 'bigint' || typeof b === 'bigint' ? 1_024 : 0));
		return integer(run(left, right));
	});

const shift = (name: string, left: boolean): Builtin =>
	binary(name, (a, b, context) => {
		const value = bigOperand(a, 1);
		if (typeof value === 'object') return value;
		const count = bigOperand(b, 2);
		if (typeof count === 'object') return count;
		if (count < 0n) return negativeShift;
		if (!left) return integer(count > BigInt(2 * exponentMax) ? (value < 0n ? -1n : 0n) : value >> count);
		if (value === 0n) return 0;
		// Numbers of more bits would pass the largest that arithmetic makes.
		const bits = count > BigInt(exponentMax) ? BigInt(Number.MAX_SAFE_INTEGER) : count;
		context.charge(textSteps(Number(bits)));
		return bits > BigInt(exponentMax) ? new BuiltinLimit('number too large') : integer(value << bits);
	});

export const bits: readonly Builtin[] = [
	bitwise('bits.and', (a, b) => a & b),
	bitwise('bits.or', (a, b) => a | b),
	bitwise('bits.xor', (a, b) => a ^ b),
	unary('bits.negate', (a) => {
		const value = bigOperand(a, 1);
		return typeof value === 'object' ? value : integer(~value);
	}),
	shift('bits.lsh', true),
	shift('bits.rsh', false),
];
