// regex.globs_match: whether two globs of characters, . and [sets] with * and + have a text in common.
// Follows the procedure of the library that OPA uses, its gaps too, but remembers what it has tried.
import { type BuiltinContext, BuiltinError } from './builtin.ts';
import { beyondLimit, textSteps } from './operand.ts';

type Flag = '' | '+' | '*';

interface Token {
	/** null: any character. */
	characters: ReadonlySet<number> | null;
	isSet: boolean;
	flag: Flag;
}

/** More tokens than this exceed the limit: the search goes as deep. */
const tokensMax = 500;
/** Characters in a set. */
const rangeMax = 0x110000;

interface Reader {
	characters: readonly string[];
	at: number;
	context: BuiltinContext;
}

interface Character {
	text: string;
	escaped: boolean;
}

const invalid = (why: string): BuiltinError => new BuiltinError(`${why}: the input provided is invalid`);

function read(reader: Reader): Character | undefined | BuiltinError {
	const text = reader.characters[reader.at];
	if (text === undefined) return undefined;
	reader.at++;
	if (text !== '\\') return { text, escaped: false };
	const escaped = reader.characters[reader.at];
	if (escaped === undefined) return invalid('input ends with a \\ (escape) character');
	reader.at++;
	return { text: escaped, escaped: true };
}

const code = (text: string): number => text.codePointAt(0) as number;

function readSet(reader: Reader): ReadonlySet<number> | BuiltinError {
	const set = new Set<number>();
	let previous: number | undefined;
	for (;;) {
		const next = read(reader);
		if (next instanceof BuiltinError) return next;
		if (next === undefined) return invalid('found [ without matching ]');
		if (!next.escaped && next.text === ']') return set;
		if (next.escaped || next.text !== '-') {
			previous = code(next.text);
			set.add(previous);
			continue;
		}
		if (previous === undefined) return invalid("range character '-' must be preceded by a Unicode character");
		if (reader.at >= reader.characters.length - 1) {
			return invalid("range character '-' must be followed by a Unicode character");
		}
		const last = read(reader);
		if (last instanceof BuiltinError) return last;
		if (last === undefined || (!last.escaped && (last.text === ']' || last.text === '-'))) {
			return invalid("range character '-' cannot be followed by a special symbol");
		}
		const end = code(last.text);
		if (end < previous) return invalid('range is out of order');
		reader.context.charge(Math.min(end - previous + 1, rangeMax));
		for (let point = previous; point <= end; point++) set.add(point);
		previous = undefined;
	}
}

function readToken(reader: Reader, first: Character): Token | BuiltinError {
	if (first.escaped) return { characters: new Set([code(first.text)]), isSet: false, flag: '' };
	switch (first.text) {
		case '.':
			return { characters: null, isSet: false, flag: '' };
		case ']':
			return invalid("set-close ']' with no preceding '['");
		case '+':
		case '*':
			return invalid(`flag '${first.text}' must be preceded by a non-flag`);
		case '[': {
			const characters = readSet(reader);
			return characters instanceof BuiltinError ? characters : { characters, isSet: true, flag: '' };
		}
		default:
			return { characters: new Set([code(first.text)]), isSet: false, flag: '' };
	}
}

function tokenize(glob: string, context: BuiltinContext): Token[] | BuiltinError {
	context.charge(textSteps(glob.length) + glob.length);
	const reader: Reader = { characters: Array.from(glob), at: 0, context };
	const tokens: Token[] = [];
	for (;;) {
		const first = read(reader);
		if (first === undefined) break;
		const token = first instanceof BuiltinError ? first : readToken(reader, first);
		if (token instanceof BuiltinError) return token;
		const flag = reader.characters[reader.at];
		if (flag === '+' || flag === '*') {
			token.flag = flag;
			reader.at++;
		}
		const latest = tokens[tokens.length - 1];
		// t*t+ is t+, and so on.
		if (latest !== undefined && token.flag !== '' && latest.flag !== '' && same(latest, token, context)) {
			if (token.flag === '+') latest.flag = '+';
		} else tokens.push(token);
	}
	return tokens;
}

function same(a: Token, b: Token, context: BuiltinContext): boolean {
	if (a.isSet !== b.isSet) return false;
	if (a.characters === null || b.characters === null) return a.characters === b.characters;
	context.charge(Math.min(a.characters.size, b.characters.size));
	return a.characters.size === b.characters.size && a.characters.isSubsetOf(b.characters);
}

interface Search {
	left: readonly Token[];
	right: readonly Token[];
	/** Pairs of places from which there is no way through. */
	failed: Set<number>;
	context: BuiltinContext;
}

function meet({ context }: Search, a: Token, b: Token): boolean {
	context.charge(1);
	if (a.characters === null || b.characters === null) return true;
	if (a.characters.size === 1 || b.characters.size === 1) return !a.characters.isDisjointFrom(b.characters);
	context.charge(Math.min(a.characters.size, b.characters.size));
	return !a.characters.isDisjointFrom(b.characters);
}

/** From place i of one and j of the other; swapped says that the one is the right glob. */
function normal(search: Search, swapped: boolean, i: number, j: number): boolean {
	const key = ((swapped ? 1 : 0) * (tokensMax + 1) + i) * (tokensMax + 1) + j;
	if (search.failed.has(key)) return false;
	const one = swapped ? search.right : search.left;
	const other = swapped ? search.left : search.right;
	for (let k = 0; ; k++) {
		const a = one[i + k];
		const b = other[j + k];
		let found: boolean;
		if (a === undefined || b === undefined) found = a === b;
		else if (a.flag === '' && b.flag === '') {
			if (meet(search, a, b)) continue;
			found = false;
		} else found = special(search, swapped, i + k, j + k);
		if (!found) search.failed.add(key);
		return found;
	}
}

/** The flagged side takes tokens of the other. */
function special(search: Search, swapped: boolean, i: number, j: number): boolean {
	const one = (swapped ? search.right : search.left)[i] as Token;
	if (one.flag === '') return repeat(search, !swapped, j, i);
	return repeat(search, swapped, i, j);
}

function repeat(search: Search, swapped: boolean, i: number, j: number): boolean {
	const one = (swapped ? search.right : search.left)[i] as Token;
	if (one.flag === '*') return star(search, swapped, i, j);
	const other = (swapped ? search.left : search.right)[j] as Token;
	if (!meet(search, one, other)) return false;
	if (star(search, swapped, i, j + 1)) return true;
	return other.flag !== '' && normal(search, swapped, i + 1, j);
}

function star(search: Search, swapped: boolean, i: number, j: number): boolean {
	const [one, other] = swapped ? [search.right, search.left] : [search.left, search.right];
	const token = one[i] as Token;
	const next = one[i + 1];
	for (let k = j; k < other.length; k++) {
		const taken = other[k] as Token;
		if (next !== undefined && meet(search, taken, next) && normal(search, swapped, i + 1, k)) return true;
		if (!meet(search, taken, token)) return false;
	}
	return next === undefined;
}

export function globsIntersect(left: string, right: string, context: BuiltinContext): boolean | BuiltinError {
	const a = tokenize(left, context);
	if (a instanceof BuiltinError) return a;
	const b = tokenize(right, context);
	if (b instanceof BuiltinError) return b;
	if (a.length > tokensMax || b.length > tokensMax) context.charge(beyondLimit);
	const search: Search = { left: a, right: b, failed: new Set(), context };
	// Where both end in plain tokens that differ, nothing else matters.
	for (let i = a.length - 1, j = b.length - 1; i >= 0 && j >= 0; i--, j--) {
		const [x, y] = [a[i] as Token, b[j] as Token];
		if (x.flag !== '' || y.flag !== '') break;
		if (!meet(search, x, y)) return false;
	}
	return normal(search, false, 0, 0);
}
