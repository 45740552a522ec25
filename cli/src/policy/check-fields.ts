// Does a rule read fields that its attestation can never have? Witness passes on only the fields that it knows, so such a read
// finds nothing, and the rule never denies. A look at the syntax: what it cannot follow it leaves alone.
import type { Shape } from '@affidavit/attest/policy/go-shape.ts';
import type { Module, Ref, Rule, Statement, Term } from '@affidavit/rego/syntax/ast.ts';

export interface UnknownRead {
	row: number;
	/** input.processes[_].uid */
	path: string;
}

/** null: could be anything. */
type Known = Shape | null;

export function unknownReads(module: Module, input: Shape): UnknownRead[] {
	if (mentions(module.rules, replacesInput)) return [];
	const imported = new Map<string, Known>([['input', input]]);
	for (const { path, alias } of module.imports)
		if (path[0] === 'input')
			imported.set(
				alias,
				path.slice(1).reduce<Known>((shape, name) => field(shape, name) ?? null, input),
			);
	return module.rules.flatMap((rule) => readsOf(rule, imported));
}

function readsOf(rule: Rule, imported: ReadonlyMap<string, Known>): UnknownRead[] {
	const names = boundNames(rule, imported);
	const reads: UnknownRead[] = [];
	visit(rule, (node) => {
		if (!isRef(node)) return;
		const missing = firstMissing(node, names);
		if (missing >= 0) reads.push({ row: node.place.row, path: pathText(node, missing) });
	});
	return reads;
}

/** What is known of the rule's variables: p := input.processes[_], some p in input.processes. Bound twice is not known. */
function boundNames(rule: Rule, imported: ReadonlyMap<string, Known>): ReadonlyMap<string, Known> {
	const names = new Map(imported);
	const bind = (target: Term, shape: Known): void => {
		if (target.kind === 'variable') names.set(target.name, names.has(target.name) ? null : shape);
	};
	for (const argument of rule.args) visit(argument, (node) => bind(node as Term, null));
	visit(rule, (node) => {
		const statement = node as Statement;
		switch (statement.kind) {
			case 'assign':
			case 'unify':
				bind(statement.left, shapeOf(statement.right, names));
				return;
			case 'someIn':
				bind(statement.value, element(shapeOf(statement.domain, names)));
				return;
			case 'every':
				names.set(statement.value, null);
				return;
			default:
				return;
		}
	});
	return names;
}

function shapeOf(term: Term, names: ReadonlyMap<string, Known>): Known {
	if (term.kind === 'variable') return names.get(term.name) ?? null;
	if (term.kind !== 'ref') return null;
	let shape = shapeOf(term.head, names);
	for (const step of term.path) shape = stepped(shape, step) ?? null;
	return shape;
}

/** Position of the first step of the path that can find nothing; -1 when there is none. */
function firstMissing({ head, path }: Ref, names: ReadonlyMap<string, Known>): number {
	let shape = shapeOf(head, names);
	for (const [i, step] of path.entries()) {
		if (shape === null) return -1;
		const next = stepped(shape, step);
		if (next === undefined) return i;
		shape = next;
	}
	return -1;
}

/** undefined: nothing can be there. */
function stepped(shape: Known, step: Term): Known | undefined {
	if (step.kind === 'constant' && typeof step.value === 'string') return field(shape, step.value);
	return element(shape);
}

function field(shape: Known, name: string): Known | undefined {
	switch (shape?.kind) {
		case 'struct':
			return shape.byName.get(name)?.shape;
		case 'map':
			return shape.of;
		case 'pointer':
			return field(shape.to, name);
		case 'list':
		case 'string':
		case 'bool':
		case 'int':
		case 'float':
		case 'bytes':
		case 'time':
			return undefined;
		default:
			return null;
	}
}

function element(shape: Known): Known {
	switch (shape?.kind) {
		case 'list':
		case 'map':
			return shape.of;
		case 'pointer':
			return element(shape.to);
		default:
			return null;
	}
}

const isRef = (node: unknown): node is Ref => (node as Ref).kind === 'ref';

function replacesInput(node: unknown): boolean {
	const { target } = node as { target?: Term };
	const head = target?.kind === 'ref' ? target.head : target;
	return head?.kind === 'variable' && head.name === 'input';
}

/** Every object of the syntax tree, which the parser has bounded in depth; in the order of the source. */
function visit(node: unknown, use: (node: object) => void): void {
	if (typeof node !== 'object' || node === null) return;
	if (!Array.isArray(node)) use(node);
	for (const child of Object.values(node)) visit(child, use);
}

function mentions(nodes: readonly Rule[], test: (node: object) => boolean): boolean {
	let found = false;
	visit(nodes, (node) => {
		found ||= test(node);
	});
	return found;
}

function pathText({ head, path }: Ref, upTo: number): string {
	const start = head.kind === 'variable' ? head.name : '…';
	return path.slice(0, upTo + 1).reduce((text, step) => `${text}${stepText(step)}`, start);
}

function stepText(step: Term): string {
	if (step.kind === 'constant') return typeof step.value === 'string' ? `.${step.value}` : `[${String(step.value)}]`;
	return step.kind === 'variable' && !step.name.startsWith('$') ? `[${step.name}]` : '[_]';
}
