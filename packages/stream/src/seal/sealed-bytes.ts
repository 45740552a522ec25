// What a seal signs (pure): the hash of a record, or the root of a Merkle tree over the hashes of records that were published
// together, so that one signature serves all of them. Tree as in RFC 6962, with leaves and nodes told apart by their first byte.
import { hash } from 'node:crypto';
import type { Origin, OutRecord } from '../ports.ts';

const leafDomain = Buffer.from('\x00affidavit.seal.v1');
const nodeDomain = Buffer.from('\x01');
const rootDomain = Buffer.from('affidavit.seal.root.v1');
const hashBytes = 32;
/** Position and size of the tree before the path. */
const headBytes = 4;
/** Records under one signature; more would lengthen each record's path. */
export const sealGroupMax = 64;
const depthMax = 6;

export const signatureBytes = 64;

/** sha256 over the record's parts, each with its length or of fixed length, so that no two records give the same bytes. */
export function leafHash(record: OutRecord & { origin: Origin }): Buffer {
	const { origin } = record;
	const key = Buffer.from(record.key);
	const stage = Buffer.from(origin.stage);
	const topic = Buffer.from(record.topic);
	const fixed = Buffer.allocUnsafe(36);
	fixed.writeUInt32BE(topic.byteLength, 0);
	fixed.writeUInt32BE(key.byteLength, 4);
	fixed.writeUInt32BE(stage.byteLength, 8);
	fixed.writeDoubleBE(origin.partition, 12);
	fixed.writeDoubleBE(origin.offset, 20);
	fixed.writeDoubleBE(origin.index, 28);
	return sha256(Buffer.concat([leafDomain, fixed, topic, key, stage, sha256(record.value)]));
}

/** What is signed. */
export const signedRoot = (root: Uint8Array): Buffer => Buffer.concat([rootDomain, root]);

export interface Tree {
	root: Buffer;
	/** Leaf by leaf what stands before the signature in its seal: u16 index, u16 size, the path to the root. */
	paths: Buffer[];
}

/** At most `sealGroupMax` leaves, at least one. A node without a sibling moves up as it is. */
export function treeOf(leaves: readonly Buffer[]): Tree {
	const levels: Buffer[][] = [[...leaves]];
	for (let level = levels[0] as Buffer[]; level.length > 1; levels.push(level)) {
		const above: Buffer[] = [];
		for (let i = 0; i < level.length; i += 2) {
			const right = level[i + 1];
			above.push(right ? nodeHash(level[i] as Buffer, right) : (level[i] as Buffer));
		}
		level = above;
	}
	const paths = leaves.map((_, index) => {
		const head = Buffer.allocUnsafe(headBytes);
		head.writeUInt16BE(index, 0);
		head.writeUInt16BE(leaves.length, 2);
		const path: Buffer[] = [head];
		let at = index;
		for (const level of levels) {
			const sibling = level[at ^ 1];
			if (sibling) path.push(sibling);
			at >>>= 1;
		}
		return Buffer.concat(path);
	});
	return { root: (levels.at(-1) as Buffer[])[0] as Buffer, paths };
}

/** The root that a seal's path leads to from `leaf`, and the signature behind it; null when the bytes are no seal. */
export function rootOf(leaf: Buffer, seal: Uint8Array): { root: Buffer; signature: Uint8Array } | null {
	const pathBytes = seal.byteLength - headBytes - signatureBytes;
	if (pathBytes < 0 || pathBytes > depthMax * hashBytes) return null;
	const bytes = Buffer.from(seal.buffer, seal.byteOffset, seal.byteLength);
	let index = bytes.readUInt16BE(0);
	let size = bytes.readUInt16BE(2);
	if (size < 1 || size > sealGroupMax || index >= size) return null;
	let root: Buffer = leaf;
	let at = headBytes;
	for (; size > 1; size = Math.ceil(size / 2)) {
		if ((index ^ 1) < size) {
			if (at + hashBytes > seal.byteLength - signatureBytes) return null;
			const sibling = bytes.subarray(at, at + hashBytes);
			root = index & 1 ? nodeHash(sibling, root) : nodeHash(root, sibling);
			at += hashBytes;
		}
		index >>>= 1;
	}
	return at === headBytes + pathBytes ? { root, signature: bytes.subarray(at) } : null;
}

const nodeHash = (left: Buffer, right: Buffer): Buffer => sha256(Buffer.concat([nodeDomain, left, right]));
const sha256 = (bytes: Uint8Array): Buffer => hash('sha256', bytes, 'buffer');
