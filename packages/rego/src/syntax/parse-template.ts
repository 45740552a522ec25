// String interpolation: $"text {expression} text". An undefined expression makes its part <undefined>; that is the evaluator's.
import type { Term } from './ast.ts';
import { type Cursor, current, expectedFailure, failure, here, isAt, isKeyword, nested, take } from './cursor.ts';
import { parseOperators } from './parse-operators.ts';

const refusedKeywords = ['not', 'some', 'every'];

export const parseTemplate = (cursor: Cursor): Term =>
	nested(cursor, () => {
		if (!cursor.templates) throw failure(cursor, 'template strings are of Rego v1, and this module is v0');
		const place = here(cursor);
		const parts: (string | Term)[] = [];
		for (;;) {
			const token = take(cursor);
			if (token.text !== '') parts.push(token.text);
			if (token.kind === 'templateEnd') return { kind: 'template', parts, place };
			parts.push(parsePart(cursor));
			take(cursor);
			if (!isAt(cursor, 'templatePart') && !isAt(cursor, 'templateEnd'))
				throw expectedFailure(cursor, 'the end of the template string');
		}
	});

/** Up to the closing }, which is not taken. */
function parsePart(cursor: Cursor): Term {
	for (const keyword of refusedKeywords) {
		if (isKeyword(cursor, keyword))
			throw failure(cursor, `unexpected ${keyword} in an expression of a template string`);
	}
	const term = parseOperators(cursor);
	if (isKeyword(cursor, 'with')) {
		throw failure(
			cursor,
			'with in an expression of a template string is not supported',
			current(cursor),
			'unsupported',
		);
	}
	if (isAt(cursor, '=') || isAt(cursor, ':=')) {
		throw failure(cursor, `unexpected ${current(cursor).text} in an expression of a template string`);
	}
	if (!isAt(cursor, '}')) throw expectedFailure(cursor, '} at the end of the expression of the template string');
	return term;
}
