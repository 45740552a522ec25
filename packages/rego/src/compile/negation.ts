// What OPA evaluates before a negation, although it stands inside of it: arguments of calls, nested calls, keys of references, items
// of composites. `not f(input.x)` is undefined where x is missing; `not input.x == 1` is true.
import type { CallNode, Local, Node, Statement } from './ir.ts';

type Lift = (node: Node, closed: boolean) => Node;

export function liftFromNegation(
	statement: Statement,
	newLocal: () => Local,
): { lifted: Statement[]; inner: Statement } {
	const lifted: Statement[] = [];
	const lift: Lift = (node, closed) => {
		const local = newLocal();
		lifted.push({ kind: 'unify', left: local, right: node, closed, output: false, place: statement.place });
		return local;
	};
	return { lifted, inner: liftStatement(statement, lift) };
}

function liftStatement(statement: Statement, lift: Lift): Statement {
	switch (statement.kind) {
		case 'term':
			return { ...statement, term: liftTop(statement.term, lift) };
		case 'unify': {
			// The result of a call with an output argument is compared inside of the negation.
			const { left, right, output } = statement;
			return { ...statement, left: liftOperand(left, lift), right: (output ? liftTop : liftOperand)(right, lift) };
		}
		case 'every':
			return { ...statement, domain: liftArgument(statement.domain, lift) };
		default:
			return statement;
	}
}

function liftTop(node: Node, lift: Lift): Node {
	if (node.kind !== 'call') return liftOperand(node, lift);
	const part = node.name === 'equal' ? liftOperand : liftArgument;
	return { ...node, args: node.args.map((arg) => part(arg, lift)) };
}

/** Side of an equation: the reference itself stays, what it is made of does not. */
function liftOperand(node: Node, lift: Lift): Node {
	switch (node.kind) {
		case 'ref':
			return {
				...node,
				base: node.base.kind === 'call' ? liftCall(node.base, lift) : node.base,
				path: node.path.map((part) => liftArgument(part, lift)),
			};
		case 'data':
			return { ...node, path: node.path.map((part) => liftArgument(part, lift)) };
		case 'call':
			return liftCall(node, lift);
		default:
			return liftArgument(node, lift);
	}
}

function liftArgument(node: Node, lift: Lift): Node {
	switch (node.kind) {
		case 'ref':
		case 'data':
			return lift(liftOperand(node, lift), true);
		case 'call':
			return liftCall(node, lift);
		case 'comprehension':
			return lift(node, true);
		case 'array':
		case 'set':
			return { ...node, items: node.items.map((item) => liftArgument(item, lift)) };
		case 'object':
			return {
				...node,
				entries: node.entries.map(([key, value]): [Node, Node] => [liftArgument(key, lift), liftArgument(value, lift)]),
			};
		default:
			return node;
	}
}

/** A nested call binds what its arguments' references bind, as any expression does. */
const liftCall = (node: CallNode, lift: Lift): Node => lift({ ...node, args: node.args.map(openRefs(lift)) }, false);

const openRefs =
	(lift: Lift) =>
	(node: Node): Node =>
		node.kind === 'call' ? liftCall(node, lift) : node;
