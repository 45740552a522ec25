// regex.template_match: text with regular expressions between two delimiters, as in urn:foo:{.*}
import { RE2JS } from 're2js';
import { type BuiltinContext, BuiltinError } from './builtin.ts';
import { type Pattern, parsePattern } from './pattern.ts';
import { quoted } from './value-text.ts';

export function templatePattern(
	template: string,
	open: string,
	close: string,
	context: BuiltinContext,
): Pattern | BuiltinError {
	context.charge(1 + template.length);
	let source = '^';
	let level = 0;
	let start = 0;
	let end = 0;
	for (let i = 0; i < template.length; i++) {
		const character = template[i];
		// The same delimiter on both sides only ever opens.
		if (character === open) {
			level++;
			if (level === 1) start = i;
		} else if (character === close) {
			level--;
			if (level < 0) break;
			if (level > 0) continue;
			const part = template.slice(start + 1, i);
			// Each must be an expression of its own: ")(" may not join two of them.
			const alone = parsePattern(`^${part}$`, context);
			if (alone instanceof BuiltinError) return alone;
			source += `${RE2JS.quote(template.slice(end, start))}(${part})`;
			end = i + 1;
		}
	}
	if (level !== 0) return new BuiltinError(`unbalanced braces in ${quoted(template)}`);
	return parsePattern(`${source}${RE2JS.quote(template.slice(end))}$`, context);
}
