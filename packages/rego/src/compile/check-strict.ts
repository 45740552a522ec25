// What Rego v1 refuses beyond the syntax (also in v0 modules with import rego.v1).
import type { Problem } from '../errors.ts';
import type { Call, Module, Rule, Statement } from '../syntax/ast.ts';

export const deprecatedBuiltins: ReadonlySet<string> = new Set([
	...['all', 'any', 'cast_array', 'cast_boolean', 'cast_null', 'cast_object', 'cast_set', 'cast_string'],
	...['net.cidr_overlap', 're_match', 'set_diff'],
]);

export function strictProblems(module: Module): Problem[] {
	if (module.version === 'v0') return [];
	const problems: Problem[] = [];
	checkImports(module, problems);
	for (const rule of module.rules) checkRule(rule, problems);
	return problems;
}

function checkImports({ imports }: Module, problems: Problem[]): void {
	const seen = new Map<string, string[]>();
	for (const { alias, path, place } of imports) {
		const before = seen.get(alias);
		if (before === undefined) seen.set(alias, path);
		else problems.push({ code: 'compile', message: `the import ${alias} shadows import ${before.join('.')}`, place });
	}
}

const reserved = new Set<unknown>(['input', 'data']);

function checkRule(rule: Rule, problems: Problem[]): void {
	const [{ value: name, place }] = rule.head;
	if (reserved.has(name)) problems.push({ code: 'compile', message: `a rule cannot be called ${name}`, place });
	for (const arg of rule.args) {
		if (arg.kind === 'variable' && reserved.has(arg.name)) {
			problems.push({ code: 'compile', message: `an argument cannot be called ${arg.name}`, place: arg.place });
		}
	}
	const terms = [...rule.head, ...rule.args, rule.key, rule.value, ...rule.else.map(({ value }) => value)];
	for (const term of terms) if (term !== null) checkNode(term, problems);
	for (const body of [rule.body, ...rule.else.map((branch) => branch.body)]) checkNode(body, problems);
}

/** Calls anywhere below; the parser bounds the depth. */
function checkNode(node: object, problems: Problem[]): void {
	if ('kind' in node && node.kind === 'call') checkCall(node as Call, problems);
	if ('kind' in node && node.kind === 'assign') checkAssignment(node as Assignment, problems);
	for (const child of Object.values(node)) if (typeof child === 'object' && child !== null) checkNode(child, problems);
}

type Assignment = Extract<Statement, { kind: 'assign' }>;

function checkAssignment({ left }: Assignment, problems: Problem[]): void {
	if (left.kind !== 'variable' || !reserved.has(left.name)) return;
	problems.push({ code: 'compile', message: `a variable cannot be called ${left.name}`, place: left.place });
}

function checkCall({ operator, place }: Call, problems: Problem[]): void {
	const name = operator.join('.');
	if (deprecatedBuiltins.has(name))
		problems.push({ code: 'compile', message: `the built-in ${name} is deprecated`, place });
}
