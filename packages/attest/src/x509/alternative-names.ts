// Subject alternative names: what constraints of policies and of authorities look at.
import { childrenOf, contentOf, encodingOf, isSequence, readDer } from './der.ts';
import { asciiOf } from './der-text.ts';
import { isDomain } from './domain-name.ts';
import { readUri } from './uri.ts';

export interface AlternativeNames {
	dnsNames: string[];
	emails: string[];
	uris: string[];
	/** 4 or 16 bytes each. */
	ipAddresses: Uint8Array[];
	der: Uint8Array;
}

/** Most names of one certificate: constraints are compared with each of them. */
export const alternativeNamesMax = 1000;

const tag = { email: 1, dns: 2, uri: 6, ip: 7 };

export type AlternativeNamesResult = { kind: 'names'; names: AlternativeNames } | { kind: 'invalid'; reason: string };

/** Names of other kinds are not looked at, as in Go. */
export function readAlternativeNames(value: Uint8Array): AlternativeNamesResult {
	const sequence = readDer(value);
	if (!sequence || !isSequence(sequence)) return invalid('expected a sequence of names');
	const nodes = childrenOf(sequence);
	if (nodes.length > alternativeNamesMax) return invalid(`expected at most ${alternativeNamesMax} names`);
	const names: AlternativeNames = {
		dnsNames: [],
		emails: [],
		uris: [],
		ipAddresses: [],
		der: encodingOf(sequence),
	};
	for (const node of nodes) {
		if (node.idBlock.tagClass !== 3 || node.idBlock.isConstructed) continue;
		const reason = addName(names, node.idBlock.tagNumber, contentOf(node));
		if (reason !== '') return invalid(reason);
	}
	return { kind: 'names', names };
}

/** '' or why the name is none. */
function addName(names: AlternativeNames, kind: number, content: Uint8Array): string {
	if (kind === tag.ip) {
		if (content.length !== 4 && content.length !== 16) return `an IP address of ${content.length} bytes`;
		names.ipAddresses.push(content);
		return '';
	}
	if (kind !== tag.email && kind !== tag.dns && kind !== tag.uri) return '';
	const text = asciiOf(content);
	if (text === null) return 'a name that is not ASCII';
	if (kind === tag.email) names.emails.push(text);
	else if (kind === tag.dns) names.dnsNames.push(text);
	else {
		const uri = readUri(text);
		if (!uri || (uri.host !== '' && !isDomain(uri.host, false))) return 'a URI that cannot be read';
		names.uris.push(uri.text);
	}
	return '';
}

const invalid = (reason: string): AlternativeNamesResult => ({ kind: 'invalid', reason });
