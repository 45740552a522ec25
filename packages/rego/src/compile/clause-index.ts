// Functions that are tables (f("a") = 1, f("b") = 2, ...): the clauses of a call by the constant that one of its arguments must be.
import type { ClauseIndex, CompiledClause } from '../eval/document.ts';
import { canonicalKey } from '../value/canonical.ts';
import type { Key } from '../value/value.ts';
import { type ClauseIr, firstFreeSlot, type Node } from './ir.ts';

/** Fewer clauses are tried one after the other. */
const indexedMin = 12;
/** Clauses that fit any value are in every list, so there must be few of them. */
const openMax = 4;

/** null where it does not pay. `clauses` are those of `irs`, in their order. */
export function clauseIndex(irs: readonly ClauseIr[], clauses: readonly CompiledClause[]): ClauseIndex | null {
	if (irs.length < indexedMin) return null;
	const arity = irs[0]?.args.length ?? 0;
	for (let argument = 0; argument < arity; argument++) {
		const keys = irs.map(({ args }) => keyOf(args[argument]));
		if (keys.filter((key) => key === undefined).length > openMax) continue;
		return { slot: firstFreeSlot + argument, ...listsOf(keys, clauses) };
	}
	return null;
}

/** undefined for a pattern that is no scalar constant. */
const keyOf = (arg: Node | undefined): Key | undefined =>
	arg?.kind === 'constant' && (typeof arg.value !== 'object' || arg.value === null)
		? canonicalKey(arg.value)
		: undefined;

/** Lists keep the order of the clauses. */
function listsOf(keys: readonly (Key | undefined)[], clauses: readonly CompiledClause[]): Omit<ClauseIndex, 'slot'> {
	const lists = new Map<Key, CompiledClause[]>();
	for (const key of keys) if (key !== undefined) lists.set(key, []);
	const open: CompiledClause[] = [];
	for (const [i, key] of keys.entries()) {
		const clause = clauses[i] as CompiledClause;
		if (key !== undefined) lists.get(key)?.push(clause);
		else for (const list of [open, ...lists.values()]) list.push(clause);
	}
	return { lists, open };
}
