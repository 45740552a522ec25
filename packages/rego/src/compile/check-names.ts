// Rules without body and value that are called like a built-in: a call that stands outside of any rule by mistake.
import { builtins, refusedBuiltins } from '../builtins/registry.ts';
import type { Problem } from '../errors.ts';
import type { Module, Rule } from '../syntax/ast.ts';

export function nameProblems({ rules }: Module): Problem[] {
	const problems: Problem[] = [];
	for (const rule of rules) {
		const name = rule.head.map((term) => (term.kind === 'constant' ? term.value : '')).join('.');
		if (!isBareCall(rule) || !(builtins.has(name) || refusedBuiltins.has(name))) continue;
		const message = `the built-in ${name} is called outside of a rule, or a rule of that name has no value and no body`;
		problems.push({ code: 'compile', message, place: rule.place });
	}
	return problems;
}

/** The parser gives a rule without a value `true` at the place of its name. */
const isBareCall = ({ kind, body, value, head, else: branches }: Rule): boolean =>
	kind === 'function' && body.length === 0 && branches.length === 0 && value?.place === head[0].place;
