// Digests and keyed digests of texts, in hexadecimal.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Builtin } from './builtin.ts';
import { binary, dearCall, textSteps, unary, wrongType } from './operand.ts';

const digest = (algorithm: string): Builtin =>
	unary(`crypto.${algorithm}`, (text, context) => {
		if (typeof text !== 'string') return wrongType(1, text, 'string');
		context.charge(dearCall + textSteps(text.length));
		return createHash(algorithm).update(text, 'utf8').digest('hex');
	});

const keyed = (algorithm: string): Builtin =>
	binary(`crypto.hmac.${algorithm}`, (text, key, context) => {
		if (typeof text !== 'string') return wrongType(1, text, 'string');
		if (typeof key !== 'string') return wrongType(2, key, 'string');
		context.charge(dearCall + textSteps(text.length + key.length));
		return createHmac(algorithm, key).update(text, 'utf8').digest('hex');
	});

export const digests: readonly Builtin[] = [
	...['md5', 'sha1', 'sha256'].map(digest),
	...['md5', 'sha1', 'sha256', 'sha512'].map(keyed),
	binary('crypto.hmac.equal', (a, b, context) => {
		if (typeof a !== 'string') return wrongType(1, a, 'string');
		if (typeof b !== 'string') return wrongType(2, b, 'string');
		context.charge(dearCall + textSteps(a.length + b.length));
		const left = Buffer.from(a, 'utf8');
		const right = Buffer.from(b, 'utf8');
		return left.length === right.length && timingSafeEqual(left, right);
	}),
];
