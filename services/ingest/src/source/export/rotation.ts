// Which file of an export folder comes next. Pure: works on a listing. The names are those that rotation gives: Tetragon's
// own (NAME-TIMESTAMP.EXT), logrotate's (NAME.EXT.N, NAME.EXT-DATE). Compressed ones cannot be read on and are left out.

export interface FileEntry {
	name: string;
	/** `dev:ino`. */
	id: string;
	/** Bytes. */
	size: number;
	/** Last write, nanoseconds since 1970. */
	mtimeNs: bigint;
	/** True for the file that is written now. */
	live: boolean;
}

const ownTimestamp = /^-\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}(\.\d+)?$/;
const rotateSuffix = /^([.-])(\d[\d-]*)$/;

/** True when `name` is a rotated file of `liveName`. */
export function isRotated(name: string, liveName: string): boolean {
	if (name.startsWith(liveName) && rotateSuffix.test(name.slice(liveName.length))) return true;
	const dot = liveName.lastIndexOf('.');
	const stem = dot > 0 ? liveName.slice(0, dot) : liveName;
	const extension = dot > 0 ? liveName.slice(dot) : '';
	if (!name.startsWith(stem) || !name.endsWith(extension) || name.length <= stem.length + extension.length)
		return false;
	return ownTimestamp.test(name.slice(stem.length, name.length - extension.length));
}

/** Oldest first, the live file last. Writes go to one file at a time, so the last write orders them; the name decides a tie. */
export function inOrder(entries: readonly FileEntry[]): FileEntry[] {
	return entries.toSorted((a, b) => {
		if (a.live !== b.live) return a.live ? 1 : -1;
		if (a.mtimeNs !== b.mtimeNs) return a.mtimeNs < b.mtimeNs ? -1 : 1;
		return compareNames(a.name, b.name);
	});
}

function compareNames(a: string, b: string): number {
	const numberA = logrotateNumber(a);
	const numberB = logrotateNumber(b);
	// logrotate counts up with age; all other schemes carry a time.
	if (numberA !== null && numberB !== null) return numberB - numberA;
	return a < b ? -1 : a > b ? 1 : 0;
}

function logrotateNumber(name: string): number | null {
	const match = /\.(\d{1,9})$/.exec(name);
	return match === null ? null : Number(match[1]);
}

/** What follows the current file, once all of it was read: the first later file with content, or null. */
export function successorOf(currentId: string, lastReadNs: bigint, entries: readonly FileEntry[]): FileEntry | null {
	const ordered = inOrder(entries);
	const at = ordered.findIndex((entry) => entry.id === currentId);
	// Not listed: it was deleted while it was open. What was written later follows.
	const later = at >= 0 ? ordered.slice(at + 1) : ordered.filter((entry) => entry.live || entry.mtimeNs > lastReadNs);
	return later.find((entry) => entry.size > 0) ?? null;
}

/**
 * Where to go on when nothing was read yet of the current file, or when it is gone: the file itself, unless one before it
 * was written after `lastReadNs` (it was copied and truncated meanwhile), else the first such file, else the live one.
 */
export function firstUnread(currentId: string, lastReadNs: bigint, entries: readonly FileEntry[]): FileEntry | null {
	const unread = (entry: FileEntry): boolean =>
		entry.id === currentId || entry.live || (entry.mtimeNs > lastReadNs && entry.size > 0);
	return inOrder(entries).find(unread) ?? null;
}
