// String interpolation: each part is the set of its values; the built-in writes <undefined> for none and refuses more than one.
import type { Builtin } from '../builtins/builtin.ts';
import type { Place } from '../errors.ts';
import type { Get } from '../eval/machine.ts';
import type { Value } from '../value/value.ts';
import { runBuiltin } from './call.ts';
import { compileComprehension } from './comprehension.ts';
import type { Bound, ClauseContext } from './context.ts';
import type { Node } from './ir.ts';

export const templateBuiltin = 'internal.template_string';

export function compileTemplate(node: Extract<Node, { kind: 'template' }>, bound: Bound, ctx: ClauseContext): Get {
	const builtin: Builtin | undefined = ctx.program.builtins.get(templateBuiltin);
	if (builtin === undefined) throw new Error(`${templateBuiltin} is not there`);
	const parts = node.parts.map((part): Get => {
		if (typeof part === 'string') return () => part;
		return compileComprehension(part, bound, ctx);
	});
	return templateGet(builtin, parts, node.place);
}

function templateGet(builtin: Builtin, parts: readonly Get[], place: Place): Get {
	return (m, f) => {
		const outer = m.misses;
		const values: Value[] = [];
		for (const part of parts) values.push(part(m, f) as Value);
		// A missing field is shown as <undefined>; it ends nothing.
		m.misses = outer;
		return runBuiltin(m, builtin, [values], place);
	};
}
