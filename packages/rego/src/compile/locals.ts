// Which locals a resolved term or statement mentions.
import type { ComprehensionNode, EveryStatement, Local, Node, Statement } from './ir.ts';

type Visit = (local: Local) => void;

/** Every local in the term; of closures those that come from around them. */
export function visitLocals(node: Node, visit: Visit): void {
	switch (node.kind) {
		case 'constant':
		case 'input':
		case 'document':
		case 'base':
			return;
		case 'local':
			visit(node);
			return;
		case 'ref':
			visitLocals(node.base, visit);
			for (const part of node.path) visitLocals(part, visit);
			return;
		case 'data':
			for (const part of node.path) visitLocals(part, visit);
			return;
		case 'array':
		case 'set':
			for (const item of node.items) visitLocals(item, visit);
			return;
		case 'object':
			for (const [key, value] of node.entries) {
				visitLocals(key, visit);
				visitLocals(value, visit);
			}
			return;
		case 'call':
			for (const arg of node.args) visitLocals(arg, visit);
			return;
		case 'comprehension':
			visitFree(node, visit);
			return;
		case 'template':
			for (const part of node.parts) if (typeof part !== 'string') visitFree(part, visit);
			return;
		default:
			node satisfies never;
	}
}

const fromAround =
	(firstSlot: number, visit: Visit): Visit =>
	(local) => {
		if (local.slot < firstSlot) visit(local);
	};

function visitFree(node: ComprehensionNode, visit: Visit): void {
	const outer = fromAround(node.firstSlot, visit);
	if (node.key !== null) visitLocals(node.key, outer);
	visitLocals(node.value, outer);
	for (const statement of node.body) visitStatement(statement, outer);
}

export function visitStatement(statement: Statement, visit: Visit): void {
	switch (statement.kind) {
		case 'term':
			visitLocals(statement.term, visit);
			return;
		case 'unify':
			visitLocals(statement.left, visit);
			visitLocals(statement.right, visit);
			return;
		case 'not':
			visitStatement(statement.inner, visit);
			return;
		case 'with':
			for (const target of statement.targets) if (target.value !== null) visitLocals(target.value, visit);
			visitStatement(statement.inner, visit);
			return;
		case 'someIn':
			if (statement.key !== null) visitLocals(statement.key, visit);
			visitLocals(statement.value, visit);
			visitLocals(statement.domain, visit);
			return;
		case 'every':
			visitEvery(statement, visit);
			return;
		default:
			statement satisfies never;
	}
}

function visitEvery(statement: EveryStatement, visit: Visit): void {
	visitLocals(statement.domain, visit);
	const outer = fromAround(statement.firstSlot, visit);
	for (const inner of statement.body) visitStatement(inner, outer);
}

export function hasFreeLocals(node: ComprehensionNode): boolean {
	let found = false;
	visitFree(node, () => {
		found = true;
	});
	return found;
}

/** Whether the term has a local that is not bound yet. */
export function hasUnbound(node: Node, bound: ReadonlySet<number>): boolean {
	let found = false;
	visitLocals(node, ({ slot }) => {
		if (!bound.has(slot)) found = true;
	});
	return found;
}
