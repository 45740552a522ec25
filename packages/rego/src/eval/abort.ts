// The one way out of a running evaluation before its end; rego.ts turns it into a value.
import type { Place, Problem, RegoErrorCode } from '../errors.ts';

export class Abort {
	readonly problem: Problem;
	constructor(problem: Problem) {
		this.problem = problem;
	}
}

export function abort(code: RegoErrorCode, message: string, place: Place): never {
	throw new Abort({ code, message, place });
}

export const completeConflict = 'complete rules must not produce multiple outputs';
export const functionConflict = 'functions must not produce multiple outputs for same inputs';
export const keyConflict = 'object keys must be unique';
