// What one evaluation may use. Every limit ends it with a problem `limit` that names the limit.

export interface Limits {
	/** Rows, calls, items compared and keyed, and what built-ins charge (about an item or 64 bytes each). */
	steps: number;
	/** Rules and functions within one another; iterations within one another count a third each. */
	depth: number;
	/** Items put into sets, arrays and objects by rules and comprehensions; a set or object counts three more. */
	outputItems: number;
	/** UTF-16 units of text that built-ins make, and of the answer. */
	outputBytes: number;
}

export const defaultLimits: Limits = {
	steps: 20_000_000,
	depth: 500,
	outputItems: 1_000_000,
	outputBytes: 64 * 1024 * 1024,
};

/** Distinct missing reads that are told apart; those of further paths are put together by their statement. */
export const missesMax = 1_000;

/** Results of a query that are returned. */
export const resultsMax = 100_000;
