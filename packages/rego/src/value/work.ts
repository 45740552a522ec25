// One allowance of work for all that walks values: comparing, canonical texts, sorting, rows of rules, what built-ins charge. An
// evaluation is synchronous, so there is never more than one, and what walks a value needs no argument for it.

/** What ends an evaluation that does too much; thrown through the evaluator, never out of the package. */
export class LimitReached {
	/** steps, depth, outputItems, outputBytes */
	readonly limit: string;
	constructor(limit: string) {
		this.limit = limit;
	}
}

/** `left` counts down. Outside an evaluation nothing is counted. */
export const work = { left: Number.POSITIVE_INFINITY };

/** Composites within composites that are compared or keyed; JSON text may nest much deeper than the stack allows. */
export const valueDepthMax = 500;

export function spend(steps: number): void {
	work.left -= steps;
	if (work.left < 0) throw new LimitReached('steps');
}

export function tooDeep(): never {
	throw new LimitReached('depth');
}
