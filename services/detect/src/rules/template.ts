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
			parts.map((part) => (part.kind === 'text' ? part.text : cut(values.get(part.name) ?? ''))).join(''),
	};
}

const cut = (value: string): string => (value.length > valueCharsMax ? `${value.slice(0, valueCharsMax)}…` : value);
