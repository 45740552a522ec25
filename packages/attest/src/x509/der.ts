// ASN.1 by asn1js, bounded, and held to DER: what has two encodings could be signed as one thing and read as another.
import * as asn1js from 'asn1js';

export type DerNode = asn1js.AsnType;

/** Limits of one structure: nesting, and elements. */
const limits = { maxDepth: 32, maxNodes: 10_000 };

/** The one element that `bytes` hold; null when they hold something else. Never throws. */
export function readDer(bytes: Uint8Array): DerNode | null {
	const node = readBer(bytes);
	return node && isDer(node) ? node : null;
}

/** As readDer, but of CMS, which may be BER. `restAllowed`: other bytes may follow. */
export function readBer(bytes: Uint8Array, restAllowed = false): DerNode | null {
	try {
		const { offset, result } = asn1js.fromBER(bytes, { ...limits, maxContentLength: bytes.length });
		return (restAllowed || offset === bytes.length) && result.error === '' ? result : null;
	} catch {
		return null;
	}
}

/** Definite, shortest lengths; no strings in pieces; one encoding of each truth value and number. */
function isDer(node: DerNode): boolean {
	const { lenBlock, idBlock } = node;
	if (lenBlock.isIndefiniteForm || lenBlock.blockLength !== shortestLength(lenBlock.length)) return false;
	// asn1js lets the elements inside run over the end of what holds them.
	if (encodingOf(node).length !== idBlock.blockLength + lenBlock.blockLength + lenBlock.length) return false;
	if (idBlock.tagClass === universal && constructedTags.has(idBlock.tagNumber) !== idBlock.isConstructed) return false;
	if (idBlock.isConstructed) return childrenOf(node).every(isDer);
	if (idBlock.tagClass !== universal) return true;
	const content = contentOf(node);
	switch (idBlock.tagNumber) {
		case 1: {
			const encoding = encodingOf(node);
			return encoding.length === 3 && (encoding[2] === 0 || encoding[2] === 0xff);
		}
		case 2:
			return isShortestInteger(content);
		case 3: {
			const unused = encodingOf(node)[1 + lenBlock.blockLength] ?? 8;
			return unused === 0 || (unused < 8 && lenBlock.length > 1);
		}
		default:
			return true;
	}
}

function isShortestInteger(content: Uint8Array): boolean {
	const [first, second] = content;
	if (first === undefined) return false;
	if (second === undefined) return true;
	return second < 0x80 ? first !== 0 : first !== 0xff;
}

const universal = 1;
/** EXTERNAL, EMBEDDED PDV, SEQUENCE, SET. */
const constructedTags: ReadonlySet<number> = new Set([8, 11, 16, 17]);

const shortestLength = (length: number): number => {
	let size = 1;
	if (length > 127) for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) size++;
	return size;
};

/** Elements of a constructed element; none of a primitive one. */
export function childrenOf(node: DerNode | undefined): DerNode[] {
	if (!node?.idBlock.isConstructed) return [];
	const value: unknown = (node.valueBlock as { value?: unknown }).value;
	return Array.isArray(value) ? (value as DerNode[]) : [];
}

/** Content bytes of a primitive element, a view. */
export function contentOf(node: DerNode): Uint8Array {
	const view: unknown = (node.valueBlock as { valueHexView?: unknown }).valueHexView;
	return view instanceof Uint8Array ? view : new Uint8Array(0);
}

/** The element with its tag and length, a view of what was read. */
export const encodingOf = (node: DerNode): Uint8Array => node.valueBeforeDecodeView;

export const isSequence = (node: DerNode | undefined): node is asn1js.Sequence => node instanceof asn1js.Sequence;

/** A context-specific element [n]. */
export const isContext = (node: DerNode | undefined, tag: number): node is DerNode =>
	node !== undefined && node.idBlock.tagClass === 3 && node.idBlock.tagNumber === tag;

/** Latin-1 text of the content: ASCII and raw bytes alike. */
export const latin1 = (bytes: Uint8Array): string =>
	Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
