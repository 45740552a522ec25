// := and some within one body: each name once, before it is used; what OPA refuses, we refuse with the name and the place.
import type { Place, Problem } from '../errors.ts';
import type { Call, Expression, Module, Rule, Statement, Term } from '../syntax/ast.ts';

/** How a name came into a body. */
type Origin = 'argument' | 'declared' | 'assigned' | 'used';

interface Body {
	origins: Map<string, Origin>;
	/** Declared by some and not used yet. */
	unused: Map<string, Place>;
	outer: Body | null;
	problems: Problem[];
}

export function assignmentProblems(module: Module): Problem[] {
	const problems: Problem[] = [];
	for (const rule of module.rules) checkRule(rule, problems);
	return problems;
}

function checkRule(rule: Rule, problems: Problem[]): void {
	const args = newBody(null, problems);
	for (const arg of rule.args) forEachVariable(arg, (name) => void args.origins.set(name, 'argument'));
	checkClause([...rule.head.slice(1), rule.key, rule.value], rule.body, args);
	for (const branch of rule.else) checkClause([branch.value], branch.body, args);
}

const newBody = (outer: Body | null, problems: Problem[]): Body => ({
	origins: new Map(outer === null || outer.outer !== null ? [] : outer.origins),
	unused: new Map(),
	outer,
	problems,
});

/** The head is used after the body, but its own comprehensions come first. */
function checkClause(heads: readonly (Term | null)[], expressions: readonly Expression[], args: Body): void {
	const body = newBody(args, args.problems);
	checkBody(expressions, body);
	for (const head of heads) if (head !== null) use(head, body, false);
	endBody(body);
}

function checkBody(expressions: readonly Expression[], body: Body): void {
	for (const expression of expressions) {
		const { node, negated } = expression;
		if (negated && node.kind === 'assign') report(body, 'cannot assign with := under not', expression.place);
		for (const { value } of expression.with) use(value, body, true);
		checkStatement(node, body, expression.place);
	}
}

function checkStatement(node: Statement, body: Body, place: Place): void {
	switch (node.kind) {
		case 'term':
			use(node.term, body, true);
			return;
		case 'unify':
			use(node.left, body, true);
			use(node.right, body, true);
			return;
		case 'assign':
			use(node.right, body, true);
			assign(node.left, body);
			return;
		case 'some':
			for (const name of node.names) {
				introduce(name, 'declared', body, place);
				body.unused.set(name, place);
			}
			return;
		case 'someIn':
			use(node.domain, body, true);
			for (const pattern of node.key === null ? [node.value] : [node.key, node.value]) declarePattern(pattern, body);
			return;
		case 'every': {
			use(node.domain, body, true);
			const inner = newBody(body, body.problems);
			for (const name of node.key === null ? [node.value] : [node.key, node.value]) {
				inner.origins.set(name, 'declared');
				inner.unused.set(name, place);
			}
			checkBody(node.body, inner);
			endBody(inner);
			return;
		}
		default:
			node satisfies never;
	}
}

/** The names on the left of := */
function assign(left: Term, body: Body): void {
	switch (left.kind) {
		case 'variable':
			introduce(left.name, 'assigned', body, left.place);
			return;
		case 'array':
			for (const item of left.items) assign(item, body);
			return;
		case 'object':
			for (const [key, value] of left.entries) {
				use(key, body, true);
				assign(value, body);
			}
			return;
		default:
			report(body, `cannot assign to a ${left.kind === 'ref' ? 'reference' : left.kind}`, left.place);
	}
}

/** Patterns of `some … in` bind the variables that are not refined by a reference or a call. */
function declarePattern(pattern: Term, body: Body): void {
	switch (pattern.kind) {
		case 'variable':
			introduce(pattern.name, 'declared', body, pattern.place);
			return;
		case 'array':
			for (const item of pattern.items) declarePattern(item, body);
			return;
		case 'object':
			for (const [key, value] of pattern.entries) {
				use(key, body, true);
				declarePattern(value, body);
			}
			return;
		default:
			use(pattern, body, true);
	}
}

const reasons: Record<Origin, (name: string) => string> = {
	argument: (name) => `the argument ${name} is declared again`,
	declared: (name) => `the variable ${name} is declared above`,
	assigned: (name) => `the variable ${name} is assigned above`,
	used: (name) => `the variable ${name} is used above`,
};

function introduce(name: string, origin: Origin, body: Body, place: Place): void {
	if (name.startsWith('$')) return;
	const before = body.origins.get(name);
	if (before !== undefined) report(body, reasons[before](name), place);
	body.origins.set(name, origin);
}

const report = ({ problems }: Body, message: string, place: Place): void =>
	void problems.push({ code: 'compile', message, place });

function endBody({ unused, problems }: Body): void {
	for (const [name, place] of unused) {
		if (!name.startsWith('$'))
			problems.push({ code: 'compile', message: `the declared variable ${name} is not used`, place });
	}
}

/** `inBody`: a later := of the name in this body comes too late. */
function use(term: Term, body: Body, inBody: boolean): void {
	forEachPart(term, (part) => {
		if (part.kind === 'variable') useName(part.name, body, inBody);
		else if (part.kind === 'call') useFunction(part, body, inBody);
		else if (part.kind === 'comprehension') useComprehension(part, body);
	});
}

function useName(name: string, body: Body, inBody: boolean): void {
	// input and data are no variables; in v0 they may still become some.
	if (inBody && !body.origins.has(name) && name !== 'input' && name !== 'data') body.origins.set(name, 'used');
	owner(name, body)?.unused.delete(name);
}

/** The body that declares or assigns the name, or has it as an argument. */
function owner(name: string, body: Body): Body | null {
	for (let at: Body | null = body; at !== null; at = at.outer) {
		const origin = at.origins.get(name);
		if (origin !== undefined && origin !== 'used') return at;
	}
	return null;
}

function useFunction({ operator, place }: Call, body: Body, inBody: boolean): void {
	const name = operator[0] as string;
	if (owner(name, body) !== null)
		report(body, `the function ${operator.join('.')} is shadowed by the variable ${name}`, place);
	else useName(name, body, inBody);
}

function useComprehension(part: Extract<Term, { kind: 'comprehension' }>, body: Body): void {
	const inner = newBody(body, body.problems);
	checkBody(part.body, inner);
	for (const head of part.key === null ? [part.value] : [part.key, part.value]) use(head, inner, false);
	endBody(inner);
}

const forEachVariable = (term: Term, visit: (name: string) => void): void =>
	forEachPart(term, (part) => {
		if (part.kind === 'variable') visit(part.name);
	});

/** The term and those within it, but not within comprehensions. */
function forEachPart(term: Term, visit: (part: Term) => void): void {
	visit(term);
	switch (term.kind) {
		case 'ref':
			forEachPart(term.head, visit);
			for (const step of term.path) forEachPart(step, visit);
			return;
		case 'array':
		case 'set':
			for (const item of term.items) forEachPart(item, visit);
			return;
		case 'object':
			for (const [key, value] of term.entries) {
				forEachPart(key, visit);
				forEachPart(value, visit);
			}
			return;
		case 'call':
			for (const arg of term.args) forEachPart(arg, visit);
			return;
		case 'template':
			for (const part of term.parts) if (typeof part !== 'string') forEachPart(part, visit);
			return;
		default:
			return;
	}
}
