// Which addresses a webhook may reach. Checked on the resolved address at connect time: a name that resolved to a
// public address a moment ago may resolve to a private one now.
import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

const privateV4: [string, number][] = [
	['0.0.0.0', 8],
	['10.0.0.0', 8],
	['100.64.0.0', 10],
	['127.0.0.0', 8],
	// Link-local: the clouds' metadata services live here.
	['169.254.0.0', 16],
	['172.16.0.0', 12],
	['192.0.0.0', 24],
	['192.0.2.0', 24],
	['192.88.99.0', 24],
	['192.168.0.0', 16],
	['198.18.0.0', 15],
	['198.51.100.0', 24],
	['203.0.113.0', 24],
	['224.0.0.0', 4],
	['240.0.0.0', 4],
];
/** Also what carries an IPv4 address inside (NAT64, Teredo, 6to4). */
const privateV6: [string, number][] = [
	['::', 127],
	['64:ff9b::', 96],
	['64:ff9b:1::', 48],
	['100::', 64],
	['2001::', 32],
	['2001:db8::', 32],
	['2002::', 16],
	['fc00::', 7],
	['fe80::', 9],
	['ff00::', 8],
];

const privateAddresses = new BlockList();
for (const [net, prefix] of privateV4) privateAddresses.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of privateV6) privateAddresses.addSubnet(net, prefix, 'ipv6');

const family = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** True for every address that is not plainly of the public internet. */
export const isPrivateAddress = (address: string): boolean =>
	isIP(address) === 0 || privateAddresses.check(address, family(address));

/** false: none; true: all; a list: these addresses and networks (`10.1.2.3`, `10.0.0.0/8`, `fd00::/8`). */
export type AllowPrivate = boolean | readonly string[];

export type AddressCheck = (address: string) => boolean;

/** Throws RangeError on an entry that is no address or network. */
export function addressCheck(allow: AllowPrivate): AddressCheck {
	if (allow === true) return () => true;
	const allowed = new BlockList();
	for (const entry of allow === false ? [] : allow) addTo(allowed, entry);
	return (address) => !isPrivateAddress(address) || (isIP(address) !== 0 && allowed.check(address, family(address)));
}

function addTo(list: BlockList, entry: string): void {
	const [address = '', prefix, rest] = entry.split('/');
	const version = isIP(address);
	const bits = prefix === undefined ? (version === 6 ? 128 : 32) : Number(prefix);
	if (version === 0 || rest !== undefined || !/^\d{1,3}$/.test(prefix ?? '0') || bits > (version === 6 ? 128 : 32))
		throw new RangeError(`allowPrivate: ${JSON.stringify(entry)}: expected an address or a network such as 10.0.0.0/8`);
	list.addSubnet(address, bits, version === 6 ? 'ipv6' : 'ipv4');
}

/** Connection refused by us, before a packet left. */
export class AddressRefused extends Error {
	constructor(address: string) {
		super(`${address} is a private address: expected a public one, or webhook.allowPrivate`);
		this.name = 'AddressRefused';
	}
}

/** A host of a URL that is an address itself is never looked up: `hostname` as in URL, brackets and all. */
export function literalAddress(hostname: string): string | null {
	const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
	return isIP(bare) === 0 ? null : bare;
}

/** dns.lookup that gives only allowed addresses: one private answer refuses the name. */
export function guardedLookup(isAllowed: AddressCheck, resolve: typeof dnsLookup = dnsLookup): LookupFunction {
	return (hostname, options, callback) => {
		const all: LookupOptions & { all: true } = { ...options, all: true };
		resolve(hostname, all, (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => {
			if (error) return callback(error, []);
			const refused = addresses.find(({ address }) => !isAllowed(address));
			const first = addresses[0];
			if (refused || !first) return callback(new AddressRefused(refused?.address ?? hostname), []);
			if (options.all) return callback(null, addresses);
			return callback(null, first.address, first.family);
		});
	};
}
