// sha256 of blobs, streamed out of `git cat-file --batch`: no blob is ever in memory as a whole.
import { createHash, type Hash } from 'node:crypto';

export interface BlobDigest {
	sha256: string;
	/** Bytes. */
	size: number;
	/** True when the content is a Git LFS pointer: a work tree holds another file in its place. */
	lfs: boolean;
}

export type BatchResult = { kind: 'digests'; digests: Map<string, BlobDigest> } | { kind: 'malformed'; why: string };

export interface BatchReader {
	push(chunk: Buffer): boolean;
	end(): BatchResult;
}

const lfsVersion = Buffer.from('version https://git-lfs.github.com/spec/');
/** git-lfs itself takes nothing longer for a pointer. */
const pointerBytesMax = 1024;
const headerBytesMax = 256;
const found = /^([0-9a-f]{40}|[0-9a-f]{64}) blob (\d+)$/;

/** Parses "ID blob SIZE\n" CONTENT "\n" for each id that was asked. */
export function createBatchReader(): BatchReader {
	const digests = new Map<string, BlobDigest>();
	let why = '';
	let state: 'header' | 'content' | 'newline' = 'header';
	let line = '';
	let id = '';
	let size = 0;
	let left = 0;
	let hash: Hash = createHash('sha256');
	let head: Buffer = Buffer.alloc(0);

	const startOf = (text: string): boolean => {
		const match = found.exec(text);
		// "ID missing" cannot be: the ids come from a tree of the same, complete repository.
		if (!match) why = 'an answer is no "ID blob SIZE"';
		else {
			id = match[1] as string;
			size = Number(match[2]);
			left = size;
			hash = createHash('sha256');
			head = Buffer.alloc(0);
			state = left === 0 ? 'newline' : 'content';
		}
		return match !== null;
	};

	return {
		push(chunk) {
			let at = 0;
			while (why === '' && at < chunk.length) {
				if (state === 'header') {
					const end = chunk.indexOf(10, at);
					line += chunk.toString('latin1', at, end < 0 ? chunk.length : end);
					if (line.length > headerBytesMax) why = 'a header has no end';
					if (end < 0) break;
					at = end + 1;
					if (!startOf(line)) break;
					line = '';
				} else if (state === 'content') {
					const part = chunk.subarray(at, at + left);
					hash.update(part);
					if (head.length < lfsVersion.length && size <= pointerBytesMax) head = Buffer.concat([head, part]);
					left -= part.length;
					at += part.length;
					if (left === 0) state = 'newline';
				} else {
					if (chunk[at] !== 10) why = 'content is longer than its size';
					at++;
					const lfs = head.length >= lfsVersion.length && head.subarray(0, lfsVersion.length).equals(lfsVersion);
					digests.set(id, { sha256: hash.digest('hex'), size, lfs });
					state = 'header';
				}
			}
			return why === '';
		},
		end() {
			if (why === '' && (state !== 'header' || line !== '')) why = 'the output ends in the middle of a blob';
			return why === '' ? { kind: 'digests', digests } : { kind: 'malformed', why };
		},
	};
}
