// Reads `git ls-tree -r -z -l --full-tree`: NUL-separated, so that a path may hold any other byte. Pure.

export interface TreeEntry {
	/** blob, link (symbolic link) or submodule. */
	type: 'blob' | 'link' | 'submodule';
	/** Object id, hex. */
	id: string;
	/** Bytes; 0 for a submodule. */
	size: number;
	path: string;
	/** False when the path's bytes are no UTF-8: `path` then has replacement characters. */
	utf8: boolean;
}

export interface TreeLimits {
	filesMax: number;
	/** Bytes of all paths together. */
	pathBytesMax: number;
}

export type TreeResult =
	| { kind: 'entries'; entries: TreeEntry[] }
	| { kind: 'too-many' }
	| { kind: 'malformed'; why: string };

export interface TreeReader {
	/** False: stop, a limit is reached or the output is none of ls-tree's. */
	push(chunk: Buffer): boolean;
	end(): TreeResult;
}

/** Longest record before its NUL: a path longer than this cannot exist on Linux. */
const recordBytesMax = 64 * 1024;
const header = /^(\d{6}) (blob|commit|tree) ([0-9a-f]{40}|[0-9a-f]{64}) +(\d+|-)$/;
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function createTreeReader(limits: TreeLimits): TreeReader {
	const entries: TreeEntry[] = [];
	let rest: Buffer = Buffer.alloc(0);
	let pathBytes = 0;
	let failed: TreeResult | null = null;

	const take = (record: Buffer): TreeResult | null => {
		const tab = record.indexOf(9);
		const match = tab < 0 ? null : header.exec(record.toString('latin1', 0, tab));
		if (!match) return { kind: 'malformed', why: 'a record is no "MODE TYPE ID SIZE<tab>PATH"' };
		pathBytes += record.length - tab - 1;
		if (entries.length >= limits.filesMax || pathBytes > limits.pathBytesMax) return { kind: 'too-many' };
		const [, mode, type, id, size] = match;
		const { path, utf8 } = pathOf(record.subarray(tab + 1));
		entries.push({
			type: type === 'commit' ? 'submodule' : mode === '120000' ? 'link' : 'blob',
			id: id as string,
			size: size === '-' ? 0 : Number(size),
			path,
			utf8,
		});
		return null;
	};

	return {
		push(chunk) {
			if (failed) return false;
			let data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
			for (let nul = data.indexOf(0); nul >= 0; nul = data.indexOf(0)) {
				failed = take(data.subarray(0, nul));
				if (failed) return false;
				data = data.subarray(nul + 1);
			}
			if (data.length > recordBytesMax) failed = { kind: 'malformed', why: 'a record has no end' };
			rest = data;
			return failed === null;
		},
		end() {
			if (failed) return failed;
			if (rest.length > 0) return { kind: 'malformed', why: 'the last record has no end' };
			return { kind: 'entries', entries };
		},
	};
}

function pathOf(bytes: Buffer): { path: string; utf8: boolean } {
	try {
		return { path: strict.decode(bytes), utf8: true };
	} catch {
		return { path: bytes.toString('utf8'), utf8: false };
	}
}

/** True when a work tree can hold the path: no empty, "." or ".." component, and none that git refuses. */
export function isWorkTreePath(path: string): boolean {
	for (const part of path.split('/'))
		if (part === '' || part === '.' || part === '..' || part.toLowerCase() === '.git') return false;
	return true;
}
