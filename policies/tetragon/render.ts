// Renders the TracingPolicies for builds from the configured workspaces. `node policies/tetragon/write-defaults.ts`
// writes the shipped defaults; a test proves them fresh.
import { stringify } from 'yaml';
import { buildProbes, execHook, type Kprobe, type LsmHook, mmapHook, openHook, type Prefixes } from './hooks.ts';

/** full: every open and exec is hashed by the kernel. watched: only workspaces and writable trees; a draft, not yet measured. */
export type PolicyShape = 'full' | 'watched';

export interface PolicyOptions {
	/** Absolute folders in which builds run, as the building process sees them (in a container: its mount points). */
	workspaces: readonly string[];
	shape: PolicyShape;
	/** Folders that Tetragon and Affidavit write to. */
	outputs?: readonly string[];
}

export interface RenderedPolicy {
	/** `metadata.name`. */
	name: string;
	/** File name, in load order. */
	file: string;
	yaml: string;
}

export type RenderResult = { kind: 'policies'; policies: RenderedPolicy[] } | { kind: 'invalid'; errors: string[] };

/** Prefix and NotPrefix took nine values on a real kernel. */
export const prefixValuesMax = 9;
/** With the slash at its end. */
const prefixCharsMax = 255;

const pseudo = ['/proc/', '/sys/', '/dev/', '/run/'];
const writable = ['/home/', '/root/', '/usr/', '/etc/', '/tmp/', '/var/tmp/', '/opt/', '/lib'];
/** Where what a build reads can be changed without package manager or root. */
const hashedTrees = ['/home/', '/root/', '/tmp/', '/var/tmp/'];

export const defaultOutputs: readonly string[] = ['/var/log/tetragon', '/var/lib/affidavit'];

/** Where common runners build; /__w is a GitHub job's mount point in a container. */
export const defaultWorkspaces: readonly string[] = [
	'/home/runner/work',
	'/__w',
	'/builds',
	'/var/lib/jenkins/workspace',
	'/workspace',
	'/github/workspace',
	'/src',
	'/app',
];

export function renderPolicies(options: PolicyOptions): RenderResult {
	const outputs = options.outputs ?? defaultOutputs;
	const errors = [
		...checkFolders('workspaces', options.workspaces, prefixValuesMax),
		...checkFolders('outputs', outputs, prefixValuesMax - pseudo.length),
	];
	if (errors.length > 0) return { kind: 'invalid', errors };
	const prefixes: Prefixes = {
		workspaces: unique(options.workspaces.map(asPrefix)),
		writable,
		pseudo,
		outputs: unique(outputs.map(asPrefix)),
	};
	const blind = checkOverlap(prefixes);
	if (blind.length > 0) return { kind: 'invalid', errors: blind };
	return { kind: 'policies', policies: policiesOf(prefixes, options.shape) };
}

const asPrefix = (folder: string): string => (folder.endsWith('/') ? folder : `${folder}/`);
/** Without what lies below another of them. */
const covering = (values: string[]): string[] =>
	unique(values).filter((value) => !values.some((other) => other !== value && value.startsWith(other)));
const unique = (values: string[]): string[] => [...new Set(values)];

function checkFolders(key: string, folders: readonly string[], max: number): string[] {
	const errors: string[] = [];
	if (folders.length > max)
		errors.push(`${key}: ${folders.length} folders: expected at most ${max} (what a selector was seen to take)`);
	for (const folder of folders) {
		const why = folderError(folder);
		if (why) errors.push(`${key}: ${JSON.stringify(folder.slice(0, 300))}: expected ${why}`);
	}
	return errors;
}

function folderError(folder: string): string | null {
	if (!folder.startsWith('/')) return 'an absolute path';
	if (asPrefix(folder).length > prefixCharsMax) return `at most ${prefixCharsMax} characters`;
	for (let i = 0; i < folder.length; i++) if (folder.charCodeAt(i) < 0x20) return 'no control characters';
	const parts = asPrefix(folder).slice(1, -1).split('/');
	return parts.some((p) => p === '' || p === '.' || p === '..') ? 'a path below / without empty, . or .. parts' : null;
}

/** A workspace below an excluded folder would be built in unseen; an output in a workspace would make an event per event. */
function checkOverlap(prefixes: Prefixes): string[] {
	const errors: string[] = [];
	for (const workspace of prefixes.workspaces) {
		for (const folder of [...prefixes.pseudo, ...prefixes.outputs])
			if (workspace.startsWith(folder))
				errors.push(`workspaces: ${workspace}: lies in ${folder}, which is not watched`);
		for (const output of prefixes.outputs)
			if (output !== workspace && output.startsWith(workspace))
				errors.push(`outputs: ${output}: lies in the workspace ${workspace}: expected a folder outside`);
	}
	return errors;
}

const draft = `Draft: this shape has not been measured, nor tried on a kernel. Files outside the prefixes that are hashed
carry no digest; the agent hashes them once and watches them (assurance "watched").`;

function policiesOf(prefixes: Prefixes, shape: PolicyShape): RenderedPolicy[] {
	const isFull = shape === 'full';
	const hashed = isFull ? null : covering([...prefixes.workspaces, ...hashedTrees]);
	const note = isFull ? '' : `\n${draft}`;
	const lists = hashed === null ? [null] : chunks(hashed, prefixValuesMax);
	return [
		policy('10-exec-hash.yaml', `Every exec, with the kernel's digest of the executed file.${note}`, 'exec-hash', {
			lsmhooks: [mergeSelectors(lists.map(execHook))],
		}),
		policy(
			'20-file-open.yaml',
			`Every open of a file, with the kernel's digest of what is about to be read.${note}`,
			'file-open',
			{
				lsmhooks: [mergeSelectors(lists.map((list) => openHook(prefixes, list)))],
			},
		),
		policy(
			'30-mmap.yaml',
			`Executable and shared writable mappings. Loaded on a real kernel, but in no recording: its cost is unknown.${note}`,
			'mmap',
			{ lsmhooks: [mmapHook(isFull)] },
		),
		policy(
			'40-build-kprobes.yaml',
			'Writes, truncation, names, ptrace, mounts, namespaces and connections.',
			'build-kprobes',
			{ kprobes: buildProbes(prefixes) },
		),
	];
}

/** Lists longer than a selector takes become several selectors; the one without a list stays last, and once. */
function mergeSelectors(hooks: LsmHook[]): LsmHook {
	const [first, ...others] = hooks as [LsmHook, ...LsmHook[]];
	const rest = first.selectors.slice(1);
	const hashing = [first, ...others].map((hook) => hook.selectors[0] as LsmHook['selectors'][number]);
	return { ...first, selectors: [...hashing, ...rest] };
}

function chunks(values: string[], size: number): string[][] {
	const lists: string[][] = [];
	for (let at = 0; at < values.length; at += size) lists.push(values.slice(at, at + size));
	return lists;
}

function policy(
	file: string,
	comment: string,
	name: string,
	spec: { lsmhooks: LsmHook[] } | { kprobes: Kprobe[] },
): RenderedPolicy {
	const metadata = { name: `affidavit-${name}` };
	const text = stringify(
		{ apiVersion: 'cilium.io/v1alpha1', kind: 'TracingPolicy', metadata, spec },
		{ lineWidth: 0, aliasDuplicateObjects: false, defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' },
	);
	const header = `${comment}\nRendered by policies/tetragon/render.ts. What it costs and misses: docs/tetragon-policies.md.`;
	return { name: metadata.name, file, yaml: `${header.replace(/^/gm, '# ')}\n${text}` };
}
