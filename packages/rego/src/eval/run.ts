// Runs something on a machine within its limits; the one place where what ends an evaluation early becomes a value.
import type { Place, Problem } from '../errors.ts';
import { LimitReached, work } from '../value/work.ts';
import { Abort } from './abort.ts';
import type { Limits } from './limits.ts';

/** `steps`: what it took of the limit. */
export type Outcome<T> =
	| { kind: 'done'; value: T; steps: number }
	| { kind: 'stopped'; problem: Problem; steps: number };

/** The rule that is being evaluated or compiled. */
export interface Position {
	place: Place;
}

/** Not within another run: the allowance of work is one for all. `run` keeps its position, which a limit is told with. */
export function runLimited<T>(limits: Limits, run: (at: Position) => T): Outcome<T> {
	const before = work.left;
	work.left = limits.steps;
	const at: Position = { place: { module: '', row: 1, column: 1 } };
	try {
		const value = run(at);
		return { kind: 'done', value, steps: limits.steps - work.left };
	} catch (cause) {
		return {
			kind: 'stopped',
			problem: problemOf(cause, limits, at.place),
			steps: limits.steps - Math.max(0, work.left),
		};
	} finally {
		work.left = before;
	}
}

function problemOf(cause: unknown, limits: Limits, place: Place): Problem {
	if (cause instanceof Abort) return cause.problem;
	if (cause instanceof LimitReached) {
		return { code: 'limit', message: `more is needed than the limit of ${named(cause.limit, limits)}`, place };
	}
	// The stack of JavaScript, or a text or array longer than it can make: less was allowed than our limits say.
	if (cause instanceof RangeError) {
		return { code: 'limit', message: `more depth or memory is needed than there is: ${cause.message}`, place };
	}
	throw cause;
}

const named = (limit: string, limits: Limits): string => {
	const value = new Map<string, number>(Object.entries(limits)).get(limit);
	return value === undefined ? limit : `${limit}: ${value}`;
};
