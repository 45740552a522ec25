// Which paths git writes into a work tree otherwise than they lie in the repository (.gitattributes at the commit).
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runGit } from './git.ts';
import { baseRun, type GitCache } from './git-cache.ts';

const asked = ['filter', 'eol', 'ident', 'working-tree-encoding'];
const unsetValues = new Set(['unspecified', 'unset']);
const outputBytesMax = 512 * 1024 * 1024;

/**
 * Why the attribute changes a checked-out file; null when it does not. `text` and `text=auto` do not on Linux, where
 * Tetragon runs: git turns line ends on checkout only for eol=crlf (a build host's own core.autocrlf is its own matter).
 */
export function reasonOf(attribute: string, value: string): string | null {
	if (unsetValues.has(value)) return null;
	switch (attribute) {
		case 'filter':
			return value === 'lfs' ? 'lfs' : 'filter';
		case 'eol':
			return value === 'crlf' ? 'eol-filter' : null;
		case 'ident':
			return value === 'set' ? 'ident' : null;
		case 'working-tree-encoding':
			return /^utf-?8$/i.test(value) ? null : 'encoding';
		default:
			return null;
	}
}

export type AttributeOutcome = { kind: 'reasons'; reasons: Map<string, string> } | { kind: 'failed'; detail: string };

/** Reason by path, for those of `paths` that an attribute changes. Git itself evaluates, over an index of the commit. */
export async function changedByAttributes(
	cache: GitCache,
	commit: string,
	paths: readonly string[],
): Promise<AttributeOutcome> {
	const index = join(cache.folder, 'index');
	const extra = { GIT_INDEX_FILE: index };
	try {
		await rm(index, { force: true });
		const read = await runGit({ ...baseRun(cache, ['read-tree', commit]), extra });
		if (read.kind === 'failed') return { kind: 'failed', detail: read.detail };
		const reader = createAttributeReader();
		let bytes = 0;
		const checked = await runGit({
			...baseRun(cache, ['check-attr', '--cached', '--stdin', '-z', ...asked]),
			extra,
			input: paths.map((p) => `${p}\0`).join(''),
			onStdout: (chunk) => {
				bytes += chunk.length;
				reader.push(chunk);
				return bytes <= outputBytesMax;
			},
		});
		if (checked.kind === 'failed') return { kind: 'failed', detail: checked.detail };
		return { kind: 'reasons', reasons: reader.reasons };
	} finally {
		await rm(index, { force: true });
	}
}

/** Reads PATH NUL ATTRIBUTE NUL VALUE NUL. The first attribute that changes a path names the reason. */
export function createAttributeReader(): { push(chunk: Buffer): void; reasons: Map<string, string> } {
	const reasons = new Map<string, string>();
	let rest: Buffer = Buffer.alloc(0);
	const fields: string[] = [];
	return {
		reasons,
		push(chunk) {
			const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
			let at = 0;
			for (let nul = data.indexOf(0); nul >= 0; nul = data.indexOf(0, at)) {
				fields.push(data.toString('utf8', at, nul));
				at = nul + 1;
				if (fields.length < 3) continue;
				const [path, attribute, value] = fields as [string, string, string];
				fields.length = 0;
				const reason = reasonOf(attribute, value);
				if (reason !== null && !reasons.has(path)) reasons.set(path, reason);
			}
			rest = data.subarray(at);
		},
	};
}
