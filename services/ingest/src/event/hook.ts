// Which of the sensor's hooks means which kind of event.
import type { EventKind } from '@affidavit/model/generated/trace.ts';

export interface Hook {
	/** Name as the event carries it. */
	readonly name: string;
	/** Kind when the arguments do not say otherwise (hook-event.ts: a permission check may be no write). */
	readonly kind: EventKind;
	/** False for hooks whose ima_hash can be an older content's (file_open: docs on the sensor's digests). */
	readonly digestIsCurrent: boolean;
}

/** Key: function without `security_` and without the architecture of a system call. */
const kinds: ReadonlyMap<string, EventKind> = new Map([
	['file_post_open', 'open'],
	['file_open', 'open'],
	['bprm_check_security', 'check'],
	['bprm_check', 'check'],
	['file_permission', 'write'],
	['file_truncate', 'truncate'],
	['path_truncate', 'truncate'],
	['path_rename', 'rename'],
	['path_unlink', 'unlink'],
	['path_link', 'link'],
	['path_symlink', 'symlink'],
	['mmap_file', 'map'],
	['sys_ptrace', 'ptrace'],
	['sys_process_vm_writev', 'vmwrite'],
	['sys_mount', 'mount'],
	['sys_setns', 'setns'],
	['sys_unshare', 'unshare'],
	['tcp_connect', 'connect'],
	['socket_connect', 'connect'],
	['socket_bind', 'bind'],
]);

const prefixes = ['security_', '__x64_', '__arm64_', '__ia32_', '__s390x_'];

function bareName(functionName: string): string {
	for (const prefix of prefixes) if (functionName.startsWith(prefix)) return functionName.slice(prefix.length);
	return functionName;
}

export function functionHook(name: string): Hook {
	const bare = bareName(name);
	return { name, kind: kinds.get(bare) ?? 'other', digestIsCurrent: bare !== 'file_open' };
}

export const tracepointHook = (subsystem: string, event: string): Hook => ({
	name: `tracepoint:${subsystem}/${event}`,
	kind: 'other',
	digestIsCurrent: false,
});

export const uprobeHook = (path: string, symbol: string): Hook => ({
	name: `uprobe:${path}:${symbol}`,
	kind: 'other',
	digestIsCurrent: false,
});
