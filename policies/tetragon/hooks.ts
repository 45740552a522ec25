// The kernel hooks of our TracingPolicies, as objects of Tetragon's YAML. What was tried on a real kernel is said in
// docs/tetragon-policies.md; argument labels are what the decoder reads.

export interface HookArgument {
	index: number;
	type: string;
	resolve?: string;
	label?: string;
}

export interface MatchArgument {
	index: number;
	operator: 'Equal' | 'Mask' | 'Prefix' | 'NotPrefix';
	values: string[];
}

export interface Selector {
	matchArgs?: MatchArgument[];
	matchActions: { action: 'Post'; imaHash?: true }[];
}

export interface LsmHook {
	hook: string;
	args: HookArgument[];
	selectors: Selector[];
}

export interface Kprobe {
	call: string;
	syscall: boolean;
	args: HookArgument[];
	selectors?: Selector[];
}

/** Path prefixes, each with a slash at its end where a folder is meant. */
export interface Prefixes {
	workspaces: string[];
	/** Trees that ordinary users and package managers write to. */
	writable: string[];
	/** Pseudo file systems. */
	pseudo: string[];
	/** Tetragon's and our own outputs: an event on them would make an event. */
	outputs: string[];
}

const post: Selector['matchActions'] = [{ action: 'Post' }];
const postHashed: Selector['matchActions'] = [{ action: 'Post', imaHash: true }];

const inode = (of: string): HookArgument[] => [
	{ index: 0, type: 'uint64', resolve: `${of}i_ino`, label: 'ino' },
	{ index: 0, type: 'uint32', resolve: `${of}i_sb.s_dev`, label: 'dev' },
	{ index: 0, type: 'int64', resolve: `${of}i_size`, label: 'size' },
];

const under = (values: string[]): MatchArgument => ({ index: 0, operator: 'Prefix', values });
const notUnder = (values: string[]): MatchArgument => ({ index: 0, operator: 'NotPrefix', values });

/** Hashes everything when `hashed` is null; else only below these prefixes, the rest is posted without a digest. */
export const execHook = (hashed: string[] | null): LsmHook => ({
	hook: 'bprm_check_security',
	args: [{ index: 0, type: 'linux_binprm' }, ...inode('file.f_inode.')],
	selectors:
		hashed === null
			? [{ matchActions: postHashed }]
			: [{ matchArgs: [under(hashed)], matchActions: postHashed }, { matchActions: post }],
});

export function openHook(prefixes: Prefixes, hashed: string[] | null): LsmHook {
	const outside = notUnder([...prefixes.pseudo, ...prefixes.outputs]);
	return {
		hook: 'file_post_open',
		args: [
			{ index: 0, type: 'file' },
			{ index: 0, type: 'uint32', resolve: 'f_flags', label: 'f_flags' },
			...inode('f_inode.'),
		],
		selectors:
			hashed === null
				? [{ matchArgs: [outside], matchActions: postHashed }]
				: [
						{ matchArgs: [under(hashed), outside], matchActions: postHashed },
						{ matchArgs: [outside], matchActions: post },
					],
	};
}

/** Executable mappings, hashed where opens are; shared writable ones, which write without an event of their own. */
export const mmapHook = (isHashed: boolean): LsmHook => ({
	hook: 'mmap_file',
	args: [
		{ index: 0, type: 'file' },
		{ index: 2, type: 'uint64', label: 'prot' },
		{ index: 3, type: 'uint64', label: 'flags' },
		{ index: 0, type: 'uint64', resolve: 'f_inode.i_ino', label: 'ino' },
	],
	selectors: [
		// PROT_EXEC
		{ matchArgs: [{ index: 2, operator: 'Mask', values: ['4'] }], matchActions: isHashed ? postHashed : post },
		// PROT_WRITE and MAP_SHARED
		{
			matchArgs: [
				{ index: 2, operator: 'Mask', values: ['2'] },
				{ index: 3, operator: 'Mask', values: ['1'] },
			],
			matchActions: post,
		},
	],
});

/** Writes below the prefixes. Workspaces have a selector of their own, so that each list stays within what was tried. */
function writeProbe(prefixes: Prefixes): Kprobe {
	const writing: MatchArgument = { index: 1, operator: 'Mask', values: ['2'] };
	const selector = (watched: string[]): Selector => {
		const own = prefixes.outputs.filter((output) => watched.some((prefix) => output.startsWith(prefix)));
		const matchArgs = [writing, under(watched), ...(own.length > 0 ? [notUnder(own)] : [])];
		return { matchArgs, matchActions: post };
	};
	return {
		call: 'security_file_permission',
		syscall: false,
		args: [
			{ index: 0, type: 'file' },
			{ index: 1, type: 'int', label: 'mask' },
			{ index: 0, type: 'uint64', resolve: 'f_inode.i_ino', label: 'ino' },
			{ index: 0, type: 'int64', resolve: 'f_pos', label: 'pos' },
		],
		selectors: (prefixes.workspaces.length > 0 ? [prefixes.workspaces] : []).concat([prefixes.writable]).map(selector),
	};
}

const truncateProbe = (call: string, type: 'file' | 'path', outputs: string[]): Kprobe => ({
	call,
	syscall: false,
	args: [{ index: 0, type }],
	selectors: [{ matchArgs: [notUnder(outputs)], matchActions: post }],
});

const dentryInode = (index: number): HookArgument => ({
	index,
	type: 'uint64',
	resolve: 'd_inode.i_ino',
	label: 'ino',
});

const nameProbes: Kprobe[] = [
	{
		call: 'security_path_rename',
		syscall: false,
		args: [
			{ index: 0, type: 'path', label: 'old_dir' },
			{ index: 1, type: 'dentry', label: 'old' },
			{ index: 2, type: 'path', label: 'new_dir' },
			{ index: 3, type: 'dentry', label: 'new' },
			dentryInode(1),
		],
	},
	{
		call: 'security_path_unlink',
		syscall: false,
		args: [{ index: 0, type: 'path', label: 'dir' }, { index: 1, type: 'dentry', label: 'dentry' }, dentryInode(1)],
	},
	{
		call: 'security_path_link',
		syscall: false,
		args: [
			{ index: 0, type: 'dentry', label: 'old' },
			{ index: 1, type: 'path', label: 'new_dir' },
			{ index: 2, type: 'dentry', label: 'new' },
		],
	},
	{
		call: 'security_path_symlink',
		syscall: false,
		args: [
			{ index: 0, type: 'path', label: 'dir' },
			{ index: 1, type: 'dentry', label: 'dentry' },
			{ index: 2, type: 'string', label: 'target' },
		],
	},
];

const processProbes: Kprobe[] = [
	{
		call: 'sys_ptrace',
		syscall: true,
		args: [
			{ index: 0, type: 'int', label: 'request' },
			{ index: 1, type: 'int', label: 'pid' },
		],
		// POKETEXT, POKEDATA, ATTACH, SEIZE: Equal takes at most four values.
		selectors: [
			{ matchArgs: [{ index: 0, operator: 'Equal', values: ['4', '5', '16', '16902'] }], matchActions: post },
		],
	},
	{ call: 'sys_process_vm_writev', syscall: true, args: [{ index: 0, type: 'int', label: 'pid' }] },
	{
		call: 'sys_mount',
		syscall: true,
		args: [
			{ index: 0, type: 'string' },
			{ index: 1, type: 'string' },
			{ index: 3, type: 'uint64' },
		],
	},
	{
		call: 'sys_setns',
		syscall: true,
		args: [
			{ index: 0, type: 'int' },
			{ index: 1, type: 'int' },
		],
	},
	{ call: 'sys_unshare', syscall: true, args: [{ index: 0, type: 'int' }] },
];

const networkProbes: Kprobe[] = [
	{ call: 'tcp_connect', syscall: false, args: [{ index: 0, type: 'sock' }] },
	{ call: 'security_socket_connect', syscall: false, args: [{ index: 1, type: 'sockaddr' }] },
	{ call: 'security_socket_bind', syscall: false, args: [{ index: 1, type: 'sockaddr' }] },
];

/** All kprobes in one policy: that loads much faster than one policy each. */
export const buildProbes = (prefixes: Prefixes): Kprobe[] => [
	writeProbe(prefixes),
	truncateProbe('security_file_truncate', 'file', prefixes.outputs),
	truncateProbe('security_path_truncate', 'path', prefixes.outputs),
	...nameProbes,
	...processProbes,
	...networkProbes,
];
