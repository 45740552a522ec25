// Subject of a certificate: what constraints look at, and its text for people.
import type { DerNode } from './der.ts';
import { childrenOf, isSequence } from './der.ts';
import { textOf } from './der-text.ts';

export interface DistinguishedName {
	/** The last one, as in Go. */
	commonName: string;
	organizations: string[];
	/** RFC 4514: most specific first. */
	text: string;
}

const shortNames: ReadonlyMap<string, string> = new Map([
	['2.5.4.3', 'CN'],
	['2.5.4.5', 'SERIALNUMBER'],
	['2.5.4.6', 'C'],
	['2.5.4.7', 'L'],
	['2.5.4.8', 'ST'],
	['2.5.4.9', 'STREET'],
	['2.5.4.10', 'O'],
	['2.5.4.11', 'OU'],
	['0.9.2342.19200300.100.1.1', 'UID'],
	['0.9.2342.19200300.100.1.25', 'DC'],
]);

/** Reads an RDNSequence; null when Go's x509 would not. */
export function readName(sequence: DerNode | undefined): DistinguishedName | null {
	if (!isSequence(sequence)) return null;
	const name: DistinguishedName = { commonName: '', organizations: [], text: '' };
	const parts: string[] = [];
	for (const set of childrenOf(sequence)) {
		if (set.idBlock.tagNumber !== 17 || set.idBlock.tagClass !== 1) return null;
		const attributes: string[] = [];
		for (const attribute of childrenOf(set)) {
			const [type, value] = childrenOf(attribute);
			const id = type ? oidOf(type) : '';
			const text = value ? textOf(value) : null;
			if (!isSequence(attribute) || id === '' || text === null) return null;
			if (id === '2.5.4.3') name.commonName = text;
			if (id === '2.5.4.10') name.organizations.push(text);
			attributes.push(`${shortNames.get(id) ?? id}=${escaped(text)}`);
		}
		parts.push(attributes.join('+'));
	}
	name.text = parts.reverse().join(',');
	return name;
}

/** Dotted text of an OBJECT IDENTIFIER, '' for anything else. */
export function oidOf(node: DerNode): string {
	if (node.idBlock.tagClass !== 1 || node.idBlock.tagNumber !== 6) return '';
	const { valueBlock } = node as { valueBlock: { toString(): string } };
	return valueBlock.toString();
}

// Control characters are shown by their code, so that a name cannot paint over a terminal.
const escaped = (text: string): string =>
	text
		.replaceAll(/[\\,+"<>;=]/g, '\\$&')
		// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to show.
		.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (c) => `\\${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
		.replace(/^[ #]/, '\\$&')
		.replace(/ $/, '\\ ');
