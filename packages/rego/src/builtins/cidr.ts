// net.cidr_*. What would look names up is refused: net.lookup_ip_addr.
import { isArray, isObject, isSet, objectEntries, RegoSet, type Value } from '../value/value.ts';
import {
	type Address,
	addressText,
	contains,
	lastOf,
	type Network,
	networksOf,
	networkText,
	onOneLine,
	parseAddress,
	parseNetwork,
} from './address.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { beyondLimit, binary, dearCall, itemsOf, type Result, textSteps, unary, wrongType } from './operand.ts';

function networkOperand(value: Value, context: BuiltinContext): Network | BuiltinError {
	if (typeof value !== 'string') return wrongType(1, value, 'string');
	context.charge(dearCall + textSteps(value.length));
	return parseNetwork(value) ?? new BuiltinError(`invalid CIDR address: ${value}`);
}

function cidrContains(a: Value, b: Value, context: BuiltinContext): boolean | BuiltinError {
	const network = networkOperand(a, context);
	if (network instanceof BuiltinError) return network;
	if (typeof b !== 'string') return wrongType(1, b, 'string');
	const address = parseAddress(b);
	if (address !== undefined) return contains(network, address);
	const inner = networkOperand(b, context);
	if (inner instanceof BuiltinError) {
		return new BuiltinError(`not a valid textual representation of an IP address or CIDR: ${b}`);
	}
	return contains(network, inner) && contains(network, { bits: inner.bits, value: lastOf(inner) });
}

function intersects(a: Value, b: Value, context: BuiltinContext): Result {
	const left = networkOperand(a, context);
	if (left instanceof BuiltinError) return left;
	const right = networkOperand(b, context);
	if (right instanceof BuiltinError) return right;
	return contains(left, right) || contains(right, left);
}

interface Candidate {
	/** A string, or what stands first in an array. */
	cidr: Value;
	/** What the result names it by. */
	index: Value;
}

const wrongCandidate = 'element must be string or non-empty array';

function candidates(position: number, value: Value, context: BuiltinContext): readonly Candidate[] | BuiltinError {
	if (typeof value === 'string') return [{ cidr: value, index: value }];
	const entries: (readonly [Value, Value])[] = [];
	if (isArray(value)) entries.push(...value.entries());
	else if (isSet(value)) for (const item of value.items()) entries.push([item, item]);
	else if (isObject(value)) entries.push(...objectEntries(value));
	context.charge(1 + entries.length);
	const found: Candidate[] = [];
	for (const [index, item] of entries) {
		const cidr = isArray(item) ? item[0] : item;
		if (cidr === undefined || (typeof item !== 'string' && !isArray(item))) {
			return new BuiltinError(`operand ${position}: ${wrongCandidate}`);
		}
		found.push({ cidr, index });
	}
	return found;
}

function containsMatches(a: Value, b: Value, context: BuiltinContext): Result {
	const networks = candidates(1, a, context);
	if (networks instanceof BuiltinError) return networks;
	// As OPA, the second operand is only looked at where the first has something.
	if (networks.length === 0) return new RegoSet();
	const addresses = candidates(2, b, context);
	if (addresses instanceof BuiltinError) return addresses;
	const result = new RegoSet();
	for (const network of networks) {
		for (const address of addresses) {
			context.charge(8);
			const contained = cidrContains(network.cidr, address.cidr, context);
			if (contained instanceof BuiltinError) return contained;
			if (!contained) continue;
			context.charge(1);
			context.charge(1);
			result.add([network.index, address.index]);
		}
	}
	return result;
}

function expand(value: Value, context: BuiltinContext): Result {
	const network = networkOperand(value, context);
	if (network instanceof BuiltinError) return network;
	const hostBits = network.bits - network.prefix;
	const count = hostBits > 40 ? beyondLimit : 2 ** hostBits;
	context.charge(2 * count);
	const result = new RegoSet();
	for (let i = 0; i < count; i++) result.add(addressText({ ...network, value: network.value + BigInt(i) }));
	return result;
}

interface Span {
	bits: 32 | 128;
	first: bigint;
	last: bigint;
	/** What was written, as long as nothing was merged with it. */
	text: string | null;
}

/** An address alone stands for the network of its class, as in OPA; IPv6 needs a prefix. */
function spanOf(value: Value, context: BuiltinContext): Span | BuiltinError {
	if (typeof value !== 'string') return new BuiltinError('element must be string');
	context.charge(dearCall + textSteps(value.length));
	const address = parseAddress(value);
	if (address !== undefined && address.bits === 128) {
		return new BuiltinError('IPv6 invalid: needs prefix length');
	}
	const network = address === undefined ? parseNetwork(value) : classNetwork(address);
	if (network === undefined) return new BuiltinError(`invalid CIDR address: ${value}`);
	const text = address === undefined ? networkText(network) : `${addressText(address)}/${network.prefix}`;
	return {
		bits: network.bits,
		first: onOneLine(network),
		last: onOneLine({ bits: network.bits, value: lastOf(network) }),
		text,
	};
}

function classNetwork({ value }: Address): Network {
	const top = value >> 24n;
	const prefix = top < 0x80n ? 8 : top < 0xc0n ? 16 : 24;
	const hostBits = BigInt(32 - prefix);
	return { bits: 32, value: (value >> hostBits) << hostBits, prefix };
}

const order = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);

function mergeSpans(spans: Span[]): readonly Span[] {
	spans.sort((a, b) => order(a.last, b.last) || order(a.first, b.first));
	const merged: Span[] = [];
	for (let i = spans.length - 1; i >= 0; i--) {
		const span = spans[i] as Span;
		const next = merged[merged.length - 1];
		if (next === undefined || next.first - 1n > span.last) {
			merged.push(span);
			continue;
		}
		next.text = null;
		// IPv4 lies within IPv6: what reaches over both is IPv6.
		if (span.bits === 128) next.bits = 128;
		if (span.first < next.first) next.first = span.first;
	}
	return merged;
}

function merge(value: Value, context: BuiltinContext): Result {
	const items = itemsOf(value);
	if (items === null) return new BuiltinError('operand must be an array');
	const spans: Span[] = [];
	for (const item of items) {
		const span = spanOf(item, context);
		if (span instanceof BuiltinError) return span;
		spans.push(span);
	}
	const result = new RegoSet();
	for (const { bits, first, last, text } of mergeSpans(spans)) {
		if (text !== null) {
			result.add(text);
			continue;
		}
		context.charge(4 * bits);
		const base = bits === 32 ? 0xffffn << 32n : 0n;
		for (const network of networksOf(bits, first - base, last - base)) result.add(networkText(network));
	}
	return result;
}

export const cidrs: readonly Builtin[] = [
	binary('net.cidr_contains', cidrContains),
	binary('net.cidr_overlap', cidrContains),
	binary('net.cidr_intersects', intersects),
	binary('net.cidr_contains_matches', containsMatches),
	unary('net.cidr_expand', expand),
	unary('net.cidr_merge', merge),
	unary(
		'net.cidr_is_valid',
		(value, context) => typeof value === 'string' && !(networkOperand(value, context) instanceof BuiltinError),
	),
];
