// Orders a body so that every local is bound before it is used: OPA's safety. What cannot be ordered is unsafe.

import type { Place } from '../errors.ts';
import { spend } from '../value/work.ts';
import type { Local, Node, Statement } from './ir.ts';
import { visitLocals, visitStatement } from './locals.ts';

/** Of one look at a statement: a hostile body needs the square of its length. */
const orderSteps = 10;

type Slots = ReadonlySet<number>;

/** Slots that the statement binds, given those that are bound; null while it needs more. */
export function outputsOf(statement: Statement, bound: Slots): Set<number> | null {
	switch (statement.kind) {
		case 'term': {
			const out = new Set<number>();
			collectKeys(statement.term, bound, out);
			return isSafe(statement.term, bound, out) ? out : null;
		}
		case 'unify':
			return unifyOutputs(statement, bound);
		case 'not':
			return allBound(statement.inner, bound) ? new Set() : null;
		case 'with':
			for (const target of statement.targets) {
				if (target.value !== null && !isSafe(target.value, bound, new Set())) return null;
			}
			return outputsOf(statement.inner, bound);
		case 'someIn': {
			const out = new Set<number>();
			collectKeys(statement.domain, bound, out);
			if (!isSafe(statement.domain, bound, out)) return null;
			for (const pattern of [statement.key, statement.value]) {
				if (pattern !== null && !bindPattern(pattern, bound, out)) return null;
			}
			return out;
		}
		case 'every': {
			const out = new Set<number>();
			collectKeys(statement.domain, bound, out);
			if (!isSafe(statement.domain, bound, out)) return null;
			return allBound(statement, new Set([...bound, ...out])) ? out : null;
		}
		default:
			return statement satisfies never;
	}
}

function allBound(statement: Statement, bound: Slots): boolean {
	let safe = true;
	visitStatement(statement, ({ slot }) => {
		if (!bound.has(slot)) safe = false;
	});
	return safe;
}

function unifyOutputs(
	{ left, right, closed }: Extract<Statement, { kind: 'unify' }>,
	bound: Slots,
): Set<number> | null {
	const out = new Set<number>();
	if (closed) {
		if (!isSafe(right, bound, out)) return null;
	} else {
		collectKeys(left, bound, out);
		collectKeys(right, bound, out);
	}
	const leftSafe = isSafe(left, bound, out);
	const rightSafe = isSafe(right, bound, out);
	if (leftSafe && rightSafe) return out;
	if (rightSafe) return bindPattern(left, bound, out) ? out : null;
	if (leftSafe) return bindPattern(right, bound, out) ? out : null;
	return null;
}

/** Keys of references are bound by iterating, once what they are looked up in is safe. */
function collectKeys(node: Node, bound: Slots, out: Set<number>): void {
	switch (node.kind) {
		case 'ref':
			collectKeys(node.base, bound, out);
			if (!isSafe(node.base, bound, out)) return;
			for (const part of node.path) collectKey(part, bound, out);
			return;
		case 'data':
			for (const part of node.path) collectKey(part, bound, out);
			return;
		case 'array':
		case 'set':
			for (const item of node.items) collectKeys(item, bound, out);
			return;
		case 'object':
			for (const [key, value] of node.entries) {
				collectKeys(key, bound, out);
				collectKeys(value, bound, out);
			}
			return;
		case 'call':
			for (const arg of node.args) collectKeys(arg, bound, out);
			return;
		default:
			return;
	}
}

function collectKey(part: Node, bound: Slots, out: Set<number>): void {
	collectKeys(part, bound, out);
	if (part.kind !== 'local' && part.kind !== 'array' && part.kind !== 'object') return;
	// All of the pattern or nothing: input.x[[f(y), y]] cannot bind y, which f needs first.
	const trial = new Set(out);
	if (bindPattern(part, bound, trial)) for (const slot of trial) out.add(slot);
}

function isSafe(node: Node, bound: Slots, out: Slots): boolean {
	let safe = true;
	visitLocals(node, ({ slot }) => {
		if (!bound.has(slot) && !out.has(slot)) safe = false;
	});
	return safe;
}

/** Binds the locals of a pattern; false where it holds something else that is not safe. */
function bindPattern(node: Node, bound: Slots, out: Set<number>): boolean {
	switch (node.kind) {
		case 'local':
			if (!bound.has(node.slot)) out.add(node.slot);
			return true;
		case 'array':
			return node.items.map((item) => bindPattern(item, bound, out)).every(Boolean);
		case 'object':
			return node.entries
				.map(([key, value]) => isSafe(key, bound, out) && bindPattern(value, bound, out))
				.every(Boolean);
		default:
			return isSafe(node, bound, out);
	}
}

/** A local that nothing binds, and the first statement that needs it. */
export interface Unsafe {
	local: Local;
	place: Place;
}

/** Statements in an order in which each is safe, adding to `bound`; `unsafe` has the locals of those that never are. */
export function orderBody(body: readonly Statement[], bound: Set<number>): { ordered: Statement[]; unsafe: Unsafe[] } {
	const ordered: Statement[] = [];
	let waiting = [...body];
	for (;;) {
		const later: Statement[] = [];
		for (const statement of waiting) {
			spend(orderSteps);
			const outputs = outputsOf(statement, bound);
			if (outputs === null) {
				later.push(statement);
				continue;
			}
			for (const slot of outputs) bound.add(slot);
			ordered.push(statement);
		}
		if (later.length === 0 || later.length === waiting.length) return { ordered, unsafe: unboundIn(later, bound) };
		waiting = later;
	}
}

function unboundIn(statements: readonly Statement[], bound: Slots): Unsafe[] {
	const found = new Map<number, Unsafe>();
	for (const statement of statements) {
		const { place } = statement;
		visitStatement(statement, (local) => {
			if (!bound.has(local.slot) && !found.has(local.slot)) found.set(local.slot, { local, place });
		});
	}
	return [...found.values()];
}
