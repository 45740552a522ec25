// What the batches of one fetch may grow to together. Each alone is bounded (codecs.ts), but kafkajs decodes an answer whole, and a
// MiB of an attacker's holds hundreds that each grow ten-thousandfold.
import { AsyncLocalStorage } from 'node:async_hooks';

export interface FetchBudget {
	/** Bytes. */
	left: number;
}

/** Beyond it an answer's later batches are refused, and the reader comes back for them one by one. Events grow to about eight times. */
const growthMax = 16;

const budgets = new AsyncLocalStorage<FetchBudget>();

/** One batch always fits: the first of an answer is never refused for the others' sake. */
export const withBudget = <T>(fetchBytes: number, batchBytesMax: number, fetch: () => Promise<T>): Promise<T> =>
	budgets.run({ left: Math.max(batchBytesMax, fetchBytes * growthMax) }, fetch);

/** Of the fetch under way; undefined outside of one. */
export const budgetOf = (): FetchBudget | undefined => budgets.getStore();
