// uri.parse and uri.is_valid: references as Go's package net/url reads them, scheme, host, port, path, query, fragment.
import { objectOf, type Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { dearCall, type Result, textSteps, unary, wrongType } from './operand.ts';
import { quoted } from './value-text.ts';

interface Reference {
	scheme: string;
	hostname: string;
	port: string;
	/** Decoded. */
	path: string;
	rawPath: string;
	rawQuery: string;
	fragment: string;
}

const fail = (text: string, why: string): BuiltinError => new BuiltinError(`parse ${quoted(text)}: ${why}`);

/** Decoded; undefined where an escape is none. */
function decoded(text: string): string | undefined {
	if (!text.includes('%')) return text;
	if (/%(?![0-9A-Fa-f]{2})/.test(text)) return undefined;
	const parts = text.split(/((?:%[0-9A-Fa-f]{2})+)/);
	return parts
		.map((part, i) => (i % 2 === 0 ? part : Buffer.from(part.replaceAll('%', ''), 'hex').toString('utf8')))
		.join('');
}

/** Characters that Go leaves as they are in a path. */
const plainPath = /^[A-Za-z0-9\-._~$&+,/:;=@!'()*[\]%]*$/;

/** undefined: a host that is none. */
function readAuthority(authority: string): { hostname: string; port: string } | undefined {
	const at = authority.lastIndexOf('@');
	if (at >= 0 && !/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(authority.slice(0, at))) return undefined;
	if (at >= 0 && decoded(authority.slice(0, at)) === undefined) return undefined;
	const host = authority.slice(at + 1);
	if (host.startsWith('[')) {
		const end = host.lastIndexOf(']');
		if (end < 0) return undefined;
		const port = /^(?::([0-9]*))?$/.exec(host.slice(end + 1));
		return port === null ? undefined : { hostname: host.slice(1, end), port: port[1] ?? '' };
	}
	const parts = /^([^:]*)(?::([0-9]*))?$/.exec(host);
	// In a host only bytes beyond ASCII may be escaped; spaces, braces and the like may not be there at all.
	if (parts === null || /%(?![89A-Fa-f][0-9A-Fa-f])/.test(host) || /[ \\^`{|}[]/.test(host)) return undefined;
	const hostname = decoded(parts[1] ?? '');
	return hostname === undefined ? undefined : { hostname, port: parts[2] ?? '' };
}

function cut(text: string, separator: string): [string, string] {
	const at = text.indexOf(separator);
	return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

const hasControl = (text: string): boolean => {
	for (let i = 0; i < text.length; i++) {
		const unit = text.charCodeAt(i);
		if (unit < 0x20 || unit === 0x7f) return true;
	}
	return false;
};

function parseReference(text: string): Reference | BuiltinError {
	const [withoutFragment, rawFragment] = cut(text, '#');
	if (hasControl(text)) return fail(text, 'net/url: invalid control character in URL');
	const fragment = decoded(rawFragment);
	if (fragment === undefined) return fail(text, 'invalid URL escape in fragment');
	const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(withoutFragment)?.[1] ?? '';
	if (scheme === '' && withoutFragment.startsWith(':')) return fail(text, 'missing protocol scheme');
	const afterScheme = scheme === '' ? withoutFragment : withoutFragment.slice(scheme.length + 1);
	const [hierarchy, rawQuery] = cut(afterScheme, '?');
	const found: Reference = {
		scheme: scheme.toLowerCase(),
		hostname: '',
		port: '',
		path: '',
		rawPath: '',
		rawQuery,
		fragment,
	};
	if (!hierarchy.startsWith('/')) {
		// Opaque: mailto:user@example.com has no path.
		if (scheme !== '') return found;
		const [segment] = cut(hierarchy, '/');
		if (segment.includes(':')) return fail(text, 'first path segment in URL cannot contain colon');
	}
	let path = hierarchy;
	if (hierarchy.startsWith('//') && (scheme !== '' || !hierarchy.startsWith('///'))) {
		const end = hierarchy.indexOf('/', 2);
		const authority = readAuthority(end < 0 ? hierarchy.slice(2) : hierarchy.slice(2, end));
		if (authority === undefined) return fail(text, 'invalid host, port or user information');
		Object.assign(found, authority);
		path = end < 0 ? '' : hierarchy.slice(end);
	}
	const plain = decoded(path);
	if (plain === undefined) return fail(text, 'invalid URL escape in path');
	found.path = plain;
	found.rawPath = path.includes('%') && plainPath.test(path) && encodedPath(plain) !== path ? path : plain;
	return found;
}

/** As Go would write the path: where that is what was read, the raw path is the plain one. */
const encodedPath = (plain: string): string =>
	encodeURI(plain.toWellFormed()).replace(/[!'()*#?]/g, (character) =>
		character === '#' || character === '?' || "!'()*".includes(character)
			? `%${character.charCodeAt(0).toString(16).toUpperCase()}`
			: character,
	);

function parse(text: Value, context: BuiltinContext): Result {
	if (typeof text !== 'string') return wrongType(1, text, 'string');
	context.charge(dearCall + textSteps(text.length));
	const found = parseReference(text);
	if (found instanceof BuiltinError) return found;
	const entries: [string, Value][] = [
		['scheme', found.scheme],
		['hostname', found.hostname],
		['port', found.port],
		['path', found.path],
		['raw_path', found.path === '' ? '' : found.rawPath],
		['raw_query', found.rawQuery],
		['fragment', found.fragment],
	];
	return objectOf(entries.filter(([, value]) => value !== ''));
}

export const uris: readonly Builtin[] = [
	unary('uri.parse', parse),
	unary('uri.is_valid', (text, context) => {
		if (typeof text !== 'string' || text === '') return false;
		context.charge(dearCall + textSteps(text.length));
		return !(parseReference(text) instanceof BuiltinError);
	}),
];
