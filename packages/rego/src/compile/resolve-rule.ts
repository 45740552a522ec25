// Rules with their names resolved: one clause for each body, with those of its `else` in order.
import type { Place } from '../errors.ts';
import type { Expression, Rule, Term } from '../syntax/ast.ts';
import type { ClauseIr } from './ir.ts';
import { patternNames } from './names.ts';
import { resolveBody } from './resolve-body.ts';
import { declareNames, resolveTerm } from './resolve-term.ts';
import { splitHead } from './rule-tree.ts';
import { clauseScope, declare, type ModuleScope } from './scope.ts';

interface Parts {
	args: Term[];
	keys: Term[];
	element: Term | null;
	value: Term | null;
	body: Expression[];
	place: Place;
}

export function resolveRule(rule: Rule, module: ModuleScope): ClauseIr {
	const { keys } = splitHead(rule);
	const { args, key, value, body, place } = rule;
	const clause = resolveClause({ args, keys, element: key, value, body, place }, module);
	clause.otherwise = rule.else.map((item) =>
		resolveClause({ args, keys, element: null, value: item.value, body: item.body, place: item.place }, module),
	);
	return clause;
}

function resolveClause({ args, keys, element, value, body, place }: Parts, module: ModuleScope): ClauseIr {
	const scope = clauseScope(module, args.length);
	const names = new Set<string>();
	for (const arg of args) patternNames(arg, names);
	for (const name of names) declare(scope, name);
	const heads = [...args, ...keys, element, value].filter((term) => term !== null);
	declareNames(heads, body, scope);
	return {
		args: args.map((arg) => resolveTerm(arg, scope)),
		body: resolveBody(body, scope),
		path: keys.map((key) => resolveTerm(key, scope)),
		element: element === null ? null : resolveTerm(element, scope),
		value: value === null ? null : resolveTerm(value, scope),
		slots: scope.slots.next,
		otherwise: [],
		place,
	};
}
