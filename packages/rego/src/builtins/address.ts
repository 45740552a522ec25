// IP addresses and networks as numbers. Texts are read as strictly as Go's package net does.
import ipaddr from 'ipaddr.js';

export interface Address {
	bits: 32 | 128;
	value: bigint;
}

export interface Network extends Address {
	prefix: number;
}

const mappedPrefix = 0xffffn << 32n;

export function parseAddress(text: string): Address | undefined {
	if (text.length > 64) return undefined;
	if (!text.includes(':')) {
		const value = parseFourParts(text);
		return value === undefined ? undefined : { bits: 32, value };
	}
	if (text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined;
	const tail = text.slice(text.lastIndexOf(':') + 1);
	if (tail.includes('.') && parseFourParts(tail) === undefined) return undefined;
	let value = 0n;
	for (const byte of ipaddr.IPv6.parse(text).toByteArray()) value = (value << 8n) | BigInt(byte);
	// An IPv4 address in IPv6's clothes is an IPv4 address.
	return value >> 32n === 0xffffn ? { bits: 32, value: value & 0xffffffffn } : { bits: 128, value };
}

function parseFourParts(text: string): bigint | undefined {
	const parts = text.split('.');
	if (parts.length !== 4) return undefined;
	let value = 0n;
	for (const part of parts) {
		// No leading zeros: they would be octal elsewhere.
		if (!/^(?:0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
		value = (value << 8n) | BigInt(part);
	}
	return value;
}

const mask = (bits: number, prefix: number): bigint => ((1n << BigInt(prefix)) - 1n) << BigInt(bits - prefix);

/** The network that the address with prefix lies in; host bits are cleared. */
export function parseNetwork(text: string): Network | undefined {
	const slash = text.indexOf('/');
	if (slash < 0) return undefined;
	const address = parseAddress(text.slice(0, slash));
	const length = text.slice(slash + 1);
	if (address === undefined || !/^[0-9]{1,7}$/.test(length)) return undefined;
	const prefix = Number(length);
	const isMapped = address.bits === 32 && text.includes(':');
	if (prefix > (isMapped ? 128 : address.bits)) return undefined;
	if (!isMapped) return networkOf(address, prefix);
	// Less than the 96 bits before the IPv4 address: an IPv6 network after all.
	return prefix < 96 ? networkOf({ bits: 128, value: onOneLine(address) }, prefix) : networkOf(address, prefix - 96);
}

const networkOf = ({ bits, value }: Address, prefix: number): Network => ({
	bits,
	value: value & mask(bits, prefix),
	prefix,
});

export const lastOf = ({ bits, value, prefix }: Network): bigint => value | ((1n << BigInt(bits - prefix)) - 1n);

export const contains = (network: Network, address: Address): boolean =>
	network.bits === address.bits && (address.value & mask(network.bits, network.prefix)) === network.value;

export function addressText({ bits, value }: Address): string {
	const bytes: number[] = [];
	for (let shift = bits - 8; shift >= 0; shift -= 8) bytes.push(Number((value >> BigInt(shift)) & 0xffn));
	return bits === 32 ? bytes.join('.') : new ipaddr.IPv6(bytes).toRFC5952String();
}

export const networkText = (network: Network): string => `${addressText(network)}/${network.prefix}`;

/** Both families in one line of numbers, IPv4 at ::ffff:0:0. */
export const onOneLine = ({ bits, value }: Address): bigint => (bits === 32 ? mappedPrefix | value : value);

/** The fewest networks that cover first to last, in order; both of one family. */
export function networksOf(bits: 32 | 128, first: bigint, last: bigint): readonly Network[] {
	const networks: Network[] = [];
	let value = first;
	while (value <= last) {
		let hostBits = 0;
		while (hostBits < bits) {
			const size = 1n << BigInt(hostBits + 1);
			if ((value & (size - 1n)) !== 0n || value + size - 1n > last) break;
			hostBits++;
		}
		networks.push({ bits, value, prefix: bits - hostBits });
		value += 1n << BigInt(hostBits);
	}
	return networks;
}
