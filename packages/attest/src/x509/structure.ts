// The parts of a Certificate (RFC 5280, section 4.1), as asn1js has read them. pkijs reads the same at twice the cost.
import type { DerNode } from './der.ts';
import { childrenOf, contentOf, encodingOf, isContext, isSequence } from './der.ts';
import { oidOf } from './distinguished-name.ts';
import type { RawExtension } from './extensions.ts';

export interface CertificateParts {
	tbs: DerNode;
	/** 1 to 3. */
	version: number;
	serial: DerNode;
	/** The one inside; it is the same as the one outside. */
	algorithm: DerNode;
	issuer: DerNode;
	validity: DerNode;
	subject: DerNode;
	spki: DerNode;
	extensions: RawExtension[];
	signature: Uint8Array;
}

const tag = { boolean: 1, integer: 2, bitString: 3, octetString: 4 };

const is = (node: DerNode | undefined, tagNumber: number): node is DerNode =>
	node !== undefined && node.idBlock.tagClass === 1 && node.idBlock.tagNumber === tagNumber;

/** Or what is wrong. */
export function readParts(certificate: DerNode): CertificateParts | string {
	const [tbs, outerAlgorithm, signature, ...more] = childrenOf(certificate);
	if (!isSequence(certificate) || !isSequence(tbs) || !isSequence(outerAlgorithm) || more.length > 0)
		return 'expected an X.509 certificate';
	if (!is(signature, tag.bitString) || unusedBits(signature) !== 0) return 'signature: expected whole bytes';
	const parts = childrenOf(tbs);
	const version = isContext(parts[0], 0) ? readVersion(parts.shift()) : 1;
	if (version === null) return 'version: expected 1 to 3';
	const [serial, algorithm, issuer, validity, subject, spki, ...optional] = parts;
	if (!is(serial, tag.integer) || ((contentOf(serial)[0] as number) & 0x80) !== 0)
		return 'serial number: expected a positive one';
	if (!isSequence(algorithm) || Buffer.compare(encodingOf(algorithm), encodingOf(outerAlgorithm)) !== 0)
		return 'signature algorithm: the two do not agree';
	if (!isSequence(issuer) || !isSequence(validity) || !isSequence(subject) || !isSequence(spki))
		return 'expected issuer, validity, subject and public key';
	const bits = childrenOf(spki)[1];
	if (!is(bits, tag.bitString) || unusedBits(bits) !== 0) return 'public key: expected whole bytes';
	const extensions = readOptional(optional, version);
	if (typeof extensions === 'string') return extensions;
	const read = { tbs, version, serial, algorithm, issuer, validity, subject, spki, extensions };
	return { ...read, signature: contentOf(signature) };
}

/** DER has a number of unused bits before the bits. */
const unusedBits = (node: DerNode): number => encodingOf(node)[1 + node.lenBlock.blockLength] as number;

function readVersion(node: DerNode | undefined): number | null {
	const [integer, ...more] = childrenOf(node);
	if (!is(integer, tag.integer) || more.length > 0) return null;
	const [value = 3, ...rest] = contentOf(integer);
	return rest.length === 0 && value <= 2 ? value + 1 : null;
}

/** What may stand behind the key: two unique identifiers, which nobody uses, and the extensions. */
function readOptional(nodes: DerNode[], version: number): RawExtension[] | string {
	const last = nodes.at(-1);
	const unique = isContext(last, 3) ? nodes.slice(0, -1) : nodes;
	if (unique.length > 2 || unique.some((node) => version < 2 || !(isContext(node, 1) || isContext(node, 2))))
		return 'expected nothing but extensions behind the public key';
	if (!isContext(last, 3)) return [];
	const [sequence, ...more] = childrenOf(last);
	if (version < 3 || !isSequence(sequence) || more.length > 0) return 'extensions: expected a list, in version 3';
	const extensions: RawExtension[] = [];
	for (const node of childrenOf(sequence)) {
		const extension = readExtension(node);
		if (!extension) return 'extensions: expected an identifier and a value each';
		extensions.push(extension);
	}
	return extensions;
}

function readExtension(node: DerNode): RawExtension | null {
	const parts = childrenOf(node);
	const [type, flag] = parts;
	const id = isSequence(node) && type ? oidOf(type) : '';
	const marked = is(flag, tag.boolean);
	const value = parts[marked ? 2 : 1];
	if (id === '' || !is(value, tag.octetString) || parts.length > (marked ? 3 : 2)) return null;
	return { id, critical: marked && contentOfBoolean(flag), value: contentOf(value) };
}

const contentOfBoolean = (node: DerNode): boolean => encodingOf(node)[2] === 0xff;
