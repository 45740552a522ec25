// Syntax trees as one line, so that tests can say what they expect.
import type { Expression, Rule, Statement, Term } from '@affidavit/rego/syntax/ast.ts';

const list = (terms: readonly Term[]): string => terms.map(printTerm).join(', ');
const bodyOf = (body: readonly Expression[]): string => `{${body.map(printExpression).join('; ')}}`;

export function printRule(rule: Rule): string {
	const [name, ...rest] = rule.head;
	const head = `${name.value}${rest.map((term) => `[${printTerm(term)}]`).join('')}`;
	const args = rule.args.length > 0 ? `(${list(rule.args)})` : '';
	const value = rule.key === null ? `${args} = ${printTerm(rule.value as Term)}` : `: ${printTerm(rule.key)}`;
	const elses = rule.else.map((branch) => ` else = ${printTerm(branch.value)} ${bodyOf(branch.body)}`).join('');
	return `${rule.default ? 'default ' : ''}${rule.kind} ${head}${value} ${bodyOf(rule.body)}${elses}`;
}

export function printExpression({ negated, node, with: withs }: Expression): string {
	const modifiers = withs.map(({ target, value }) => ` with ${printTerm(target)} as ${printTerm(value)}`).join('');
	return `${negated ? 'not ' : ''}${printStatement(node)}${modifiers}`;
}

function printStatement(node: Statement): string {
	switch (node.kind) {
		case 'term':
			return printTerm(node.term);
		case 'unify':
			return `${printTerm(node.left)} = ${printTerm(node.right)}`;
		case 'assign':
			return `${printTerm(node.left)} := ${printTerm(node.right)}`;
		case 'some':
			return `some ${node.names.join(', ')}`;
		case 'someIn':
			return `some ${node.key === null ? '' : `${printTerm(node.key)}, `}${printTerm(node.value)} in ${printTerm(node.domain)}`;
		case 'every':
			return `every ${node.key === null ? '' : `${node.key}, `}${node.value} in ${printTerm(node.domain)} ${bodyOf(node.body)}`;
	}
}

export function printTerm(term: Term): string {
	switch (term.kind) {
		case 'constant':
			return typeof term.value === 'bigint' ? `${term.value}n` : JSON.stringify(term.value);
		case 'variable':
			return term.name;
		case 'ref':
			return `${printTerm(term.head)}${term.path.map((step) => `[${printTerm(step)}]`).join('')}`;
		case 'array':
			return `[${list(term.items)}]`;
		case 'set':
			return term.items.length === 0 ? 'set()' : `{${list(term.items)}}`;
		case 'object':
			return `{${term.entries.map(([key, value]) => `${printTerm(key)}: ${printTerm(value)}`).join(', ')}}`;
		case 'comprehension': {
			const key = term.key === null ? '' : `${printTerm(term.key)}: `;
			return `[${term.of}| ${key}${printTerm(term.value)} : ${bodyOf(term.body).slice(1, -1)}]`;
		}
		case 'call':
			return `${term.operator.join('.')}(${list(term.args)})`;
		case 'template':
			return `$(${term.parts.map((part) => (typeof part === 'string' ? JSON.stringify(part) : printTerm(part))).join(', ')})`;
	}
}
