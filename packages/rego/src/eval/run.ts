// Runs something on a machine within its limits; the one place where what ends an evaluation early becomes a value.
import type { Problem } from '../errors.ts';
import { LimitReached, work } from '../value/work.ts';
import { Abort } from './abort.ts';
import type { Limits } from './limits.ts';

/** `steps`: what it took of the limit. */
export type Outcome<T> =
	| { kind: 'done'; value: T; steps: number }
	| { kind: 'stopped'; problem: Problem; steps: number };

/** Not within another run: the allowance of work is one for all. */
export function runLimited<T>(limits: Limits, run: () => T): Outcome<T> {
	const before = work.left;
	work.left = limits.steps;
	try {
		const value = run();
		return { kind: 'done', value, steps: limits.steps - work.left };
	} catch (cause) {
		return { kind: 'stopped', problem: problemOf(cause, limits), steps: limits.steps - Math.max(0, work.left) };
	} finally {
		work.left = before;
	}
}

function problemOf(cause: unknown, limits: Limits): Problem {
	const place = { module: '', row: 1, column: 1 };
	if (cause instanceof Abort) return cause.problem;
	if (cause instanceof LimitReached) {
		return {
			code: 'limit',
			message: `the evaluation takes more than its limit of ${named(cause.limit, limits)}`,
			place,
		};
	}
	// The stack of JavaScript, or a text or array longer than it can make: less was allowed than our limits say.
	if (cause instanceof RangeError) {
		return {
			code: 'limit',
			message: `the evaluation takes more depth or memory than there is: ${cause.message}`,
			place,
		};
	}
	throw cause;
}

const named = (limit: string, limits: Limits): string => {
	const value = new Map<string, number>(Object.entries(limits)).get(limit);
	return value === undefined ? limit : `${limit}: ${value}`;
};
