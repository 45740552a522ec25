// Paths as they come from the kernel: absolute, '/'-separated, any byte but NUL. Never resolved on this machine.

/** True when `path` is `dir` or lies below it. */
export const isInside = (path: string, dir: string): boolean =>
	dir !== '' && (path === dir || path.startsWith(dir.endsWith('/') ? dir : `${dir}/`));

/** `path` relative to `dir` where it lies below it, else `path` as it is. */
export function relativeTo(path: string, dir: string): string {
	if (!isInside(path, dir) || path === dir) return path;
	return path.slice(dir.endsWith('/') ? dir.length : dir.length + 1);
}

export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
