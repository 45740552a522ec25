// What is wrong with an input. Reads go on with the absent value; the first problem of an input is the one that is told.
import type { DecodeErrorCode } from '../decode-result.ts';

export interface Problem {
	code: DecodeErrorCode;
	message: string;
}

export interface Problems {
	first: Problem | null;
}

export function complain(problems: Problems, code: DecodeErrorCode, message: string): void {
	problems.first ??= { code, message };
}
