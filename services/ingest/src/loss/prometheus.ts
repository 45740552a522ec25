// Prometheus text exposition, as far as counters need it: NAME{LABELS} VALUE [TIMESTAMP], one a line.
// https://prometheus.io/docs/instrumenting/exposition_formats/

/** Samples of the wanted names: key is the name with its labels as written. Lines that are no sample are passed over; never throws. */
export function parseCounters(text: string, wanted: ReadonlySet<string>, samplesMax: number): Map<string, number> {
	const samples = new Map<string, number>();
	for (let from = 0; from < text.length && samples.size < samplesMax; ) {
		const newline = text.indexOf('\n', from);
		const end = newline < 0 ? text.length : newline;
		if (text.charCodeAt(from) !== hash) addSample(text.slice(from, end), wanted, samples);
		from = end + 1;
	}
	return samples;
}

const hash = 0x23;

function addSample(line: string, wanted: ReadonlySet<string>, samples: Map<string, number>): void {
	const nameEnd = firstOf(line, '{', ' ', '\t');
	if (nameEnd < 0 || !wanted.has(line.slice(0, nameEnd))) return;
	const keyEnd = line[nameEnd] === '{' ? labelsEnd(line, nameEnd) : nameEnd;
	if (keyEnd < 0) return;
	const [number] = line
		.slice(keyEnd)
		.trim()
		.split(/[ \t]+/, 1);
	const value = number === undefined || number === '' ? Number.NaN : Number(number);
	// A counter that is no count (NaN, infinite, negative) tells nothing.
	if (!Number.isFinite(value) || value < 0) return;
	const key = line.slice(0, keyEnd);
	samples.set(key, (samples.get(key) ?? 0) + value);
}

function firstOf(line: string, ...characters: string[]): number {
	let least = -1;
	for (const character of characters) {
		const at = line.indexOf(character);
		if (at >= 0 && (least < 0 || at < least)) least = at;
	}
	return least;
}

/** Index after the closing brace; braces and quotes inside a quoted value do not count. -1 when there is none. */
function labelsEnd(line: string, open: number): number {
	let quoted = false;
	for (let at = open + 1; at < line.length; at++) {
		const character = line[at];
		if (quoted && character === '\\') at++;
		else if (character === '"') quoted = !quoted;
		else if (character === '}' && !quoted) return at + 1;
	}
	return -1;
}
