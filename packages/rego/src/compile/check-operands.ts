// Operands that can never fit, as far as constants, literals and calls of built-ins tell: OPA refuses them when it compiles.

import type { Problem } from '../errors.ts';
import { typeName } from '../value/value.ts';
import { type Kinds, signatureOf } from './check-signatures.ts';
import { visitClause } from './check-walk.ts';
import type { CallNode, ClauseIr, Node } from './ir.ts';

export function operandProblems(clauses: readonly ClauseIr[]): Problem[] {
	const problems: Problem[] = [];
	for (const clause of clauses) visitClause(clause, { call: (node) => checkOperands(node, problems) });
	return problems;
}

function checkOperands({ name, target, args, place }: CallNode, problems: Problem[]): void {
	const signature = target.kind === 'builtin' ? signatureOf.get(name) : undefined;
	if (signature === undefined) return;
	for (const [i, wanted] of signature.operands.entries()) {
		const arg = args[i];
		if (arg === undefined || wanted === '*') continue;
		const found = kindsOf(arg);
		if (found === '*' || overlap(found, wanted)) continue;
		const message = `${name}: operand ${i + 1} must be ${describe(wanted)}, not ${describe(found)}`;
		problems.push({ code: 'compile', message, place });
	}
}

const overlap = (a: Kinds, b: Kinds): boolean => [...a].some((kind) => b.includes(kind));

const names: Record<string, string> = {
	z: 'null',
	b: 'boolean',
	n: 'number',
	s: 'string',
	a: 'array',
	o: 'object',
	S: 'set',
};

const letters = new Map(Object.entries(names).map(([letter, name]) => [name, letter]));

const describe = (kinds: Kinds): string => [...kinds].map((letter) => names[letter]).join(' or ');

function kindsOf(node: Node): Kinds {
	switch (node.kind) {
		case 'constant':
			return letters.get(typeName(node.value)) ?? '*';
		case 'array':
			return 'a';
		case 'set':
			return 'S';
		case 'object':
			return 'o';
		case 'comprehension':
			return node.of === 'array' ? 'a' : node.of === 'set' ? 'S' : 'o';
		case 'template':
			return 's';
		case 'call':
			return node.target.kind === 'builtin' ? (signatureOf.get(node.name)?.result ?? '*') : '*';
		default:
			return '*';
	}
}
