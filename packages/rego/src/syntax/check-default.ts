// What a default rule may be: one value, known before anything is evaluated.
import type { Rule, Term } from './ast.ts';
import { type Cursor, failure } from './cursor.ts';
import type { Token } from './token.ts';

export function checkDefault(cursor: Cursor, rule: Rule, begin: Token): Rule {
	const refuse = (reason: string) =>
		failure(cursor, `illegal default of ${String(rule.head[0].value)}: ${reason}`, begin);
	if (rule.value === null || rule.value.place === rule.head[0].place) throw refuse('it must have a value');
	const found = variablePart(rule.value);
	if (found !== null) throw refuse(`its value cannot contain a ${found}`);
	if (rule.head.some((term) => term.kind !== 'constant')) throw refuse('its head cannot hold variables');
	const names = new Set<string>();
	for (const arg of rule.args) {
		if (arg.kind !== 'variable') throw refuse('its arguments must be variables');
		if (names.has(arg.name)) throw refuse(`the argument ${arg.name} is repeated`);
		names.add(arg.name);
	}
	return rule;
}

/** Comprehensions are closed and may hold anything. */
function variablePart(term: Term): string | null {
	switch (term.kind) {
		case 'variable':
		case 'call':
			return term.kind;
		case 'ref':
			return 'reference';
		case 'template':
			return 'template string';
		case 'array':
		case 'set':
			return firstOf(term.items);
		case 'object':
			return firstOf(term.entries.flat());
		case 'comprehension':
		case 'constant':
			return null;
	}
}

function firstOf(terms: readonly Term[]): string | null {
	for (const term of terms) {
		const found = variablePart(term);
		if (found !== null) return found;
	}
	return null;
}
