// Explanations are templates with {names}; which names exist is fixed, so a typing error is found when the rule is loaded.

type Part = { kind: 'text'; text: string } | { kind: 'value'; name: string };

export interface Template {
	names: readonly string[];
	render(values: ReadonlyMap<string, string>): string;
}

/** A value longer than this is cut: paths and arguments come from the host. */
const valueCharsMax = 1_000;

export function parseTemplate(source: string): Template {
	const parts: Part[] = [];
	let rest = 0;
	for (const match of source.matchAll(/\{([a-zA-Z0-9]+)\}/g)) {
		if (match.index > rest) parts.push({ kind: 'text', text: source.slice(rest, match.index) });
		parts.push({ kind: 'value', name: match[1] as string });
		rest = match.index + match[0].length;
	}
	if (rest < source.length) parts.push({ kind: 'text', text: source.slice(rest) });
	return {
		names: parts.flatMap((part) => (part.kind === 'value' ? [part.name] : [])),
		render: (values) =>
			parts.map((part) => (part.kind === 'text' ? part.text : plain(values.get(part.name) ?? ''))).join(''),
	};
}

// Control characters and what turns the direction of text: a path may hold what rewrites a terminal.
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Text of the host as an explanation may show it: bounded, on one line, nothing that a terminal obeys. */
export function plain(text: string): string {
	const cut = text.length > valueCharsMax ? `${text.slice(0, valueCharsMax)}…` : text;
	return cut.replace(unprintable, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}
