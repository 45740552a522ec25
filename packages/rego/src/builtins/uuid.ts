// uuid.parse. Making one (uuid.rfc4122) is refused: it is random.
import { integer, objectOf, type Value } from '../value/value.ts';
import type { Builtin } from './builtin.ts';
import { dearCall, unary, wrongType } from './operand.ts';

const dashed = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const bare = /^[0-9a-f]{32}$/i;
/** 100 ns from 15 October 1582 to 1970. */
const gregorianTicks = 122_192_928_000_000_000n;

function digits(text: string): string | undefined {
	let plain = text;
	if (text.length === 45 && text.slice(0, 9).toLowerCase() === 'urn:uuid:') plain = text.slice(9);
	// What encloses it is not looked at, as in the library that OPA uses.
	else if (text.length === 38) plain = text.slice(1, 37);
	if (!dashed.test(plain) && !bare.test(plain)) return undefined;
	return plain.replaceAll('-', '').toLowerCase();
}

function variant(byte: number): string {
	if ((byte & 0xc0) === 0x80) return 'RFC4122';
	if ((byte & 0xe0) === 0xc0) return 'Microsoft';
	return (byte & 0xe0) === 0xe0 ? 'Future' : 'Reserved';
}

function macVariables(byte: number): string {
	return `${(byte & 2) === 2 ? 'local' : 'global'}:${(byte & 1) === 1 ? 'multicast' : 'unicast'}`;
}

const domains = ['Person', 'Group', 'Org'];

function describe(hex: string): Value {
	const version = Number.parseInt(hex.charAt(12), 16);
	const entries: [string, Value][] = [
		['version', version],
		['variant', variant(Number.parseInt(hex.slice(16, 18), 16))],
	];
	if (version !== 1 && version !== 2) return objectOf(entries);
	const ticks = BigInt(`0x${hex.slice(13, 16)}${hex.slice(8, 12)}${hex.slice(0, 8)}`);
	const node = hex.slice(20);
	entries.push(
		['time', integer((ticks - gregorianTicks) * 100n)],
		['nodeid', (node.match(/../g) as string[]).join('-')],
		['macvariables', macVariables(Number.parseInt(node.slice(0, 2), 16))],
		['clocksequence', Number.parseInt(hex.slice(16, 20), 16) & 0x3fff],
	);
	if (version === 2) {
		const domain = Number.parseInt(hex.slice(18, 20), 16);
		entries.push(['id', Number.parseInt(hex.slice(0, 8), 16)], ['domain', domains[domain] ?? `Domain${domain}`]);
	}
	return objectOf(entries);
}

export const uuids: readonly Builtin[] = [
	unary('uuid.parse', (text, context) => {
		if (typeof text !== 'string') return wrongType(1, text, 'string');
		context.charge(dearCall);
		const hex = digits(text);
		return hex === undefined ? undefined : describe(hex);
	}),
];
