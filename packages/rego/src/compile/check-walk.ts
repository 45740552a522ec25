// Every reference, call and replacement of a resolved clause, in the order of the source.
import type { CallNode, ClauseIr, DataNode, Node, Statement } from './ir.ts';
import type { DocNode } from './rule-tree.ts';

export interface ClauseVisitor {
	data?(node: DataNode): void;
	document?(node: DocNode): void;
	call?(node: CallNode): void;
	with?(statement: Extract<Statement, { kind: 'with' }>): void;
}

/** Recursion is as deep as the tree, which the parser bounds (depthMax). */
export function visitClause(clause: ClauseIr, visitor: ClauseVisitor): void {
	for (const node of [...clause.args, ...clause.path]) visitNode(node, visitor);
	if (clause.element !== null) visitNode(clause.element, visitor);
	if (clause.value !== null) visitNode(clause.value, visitor);
	for (const statement of clause.body) visitStatement(statement, visitor);
	for (const otherwise of clause.otherwise) visitClause(otherwise, visitor);
}

function visitStatement(statement: Statement, visitor: ClauseVisitor): void {
	switch (statement.kind) {
		case 'term':
			visitNode(statement.term, visitor);
			return;
		case 'unify':
			visitNode(statement.left, visitor);
			visitNode(statement.right, visitor);
			return;
		case 'not':
			visitStatement(statement.inner, visitor);
			return;
		case 'with':
			visitor.with?.(statement);
			for (const target of statement.targets) if (target.value !== null) visitNode(target.value, visitor);
			visitStatement(statement.inner, visitor);
			return;
		case 'someIn':
			if (statement.key !== null) visitNode(statement.key, visitor);
			visitNode(statement.value, visitor);
			visitNode(statement.domain, visitor);
			return;
		case 'every':
			visitNode(statement.domain, visitor);
			for (const inner of statement.body) visitStatement(inner, visitor);
			return;
		default:
			statement satisfies never;
	}
}

function visitNode(node: Node, visitor: ClauseVisitor): void {
	switch (node.kind) {
		case 'constant':
		case 'local':
		case 'input':
		case 'base':
			return;
		case 'document':
			visitor.document?.(node.node);
			return;
		case 'ref':
			visitNode(node.base, visitor);
			for (const step of node.path) visitNode(step, visitor);
			return;
		case 'data':
			visitor.data?.(node);
			for (const step of node.path) visitNode(step, visitor);
			return;
		case 'array':
		case 'set':
			for (const item of node.items) visitNode(item, visitor);
			return;
		case 'object':
			for (const [key, value] of node.entries) {
				visitNode(key, visitor);
				visitNode(value, visitor);
			}
			return;
		case 'comprehension':
			if (node.key !== null) visitNode(node.key, visitor);
			visitNode(node.value, visitor);
			for (const statement of node.body) visitStatement(statement, visitor);
			return;
		case 'call':
			visitor.call?.(node);
			for (const arg of node.args) visitNode(arg, visitor);
			return;
		case 'template':
			for (const part of node.parts) if (typeof part !== 'string') visitNode(part, visitor);
			return;
		default:
			node satisfies never;
	}
}
