// What each tool of a session read, wrote and executed, folded over its processes.
import type { Assurance, FileFact, TracedProcess } from '@affidavit/attest/generated/runtime-trace-v0.1.ts';
import { isInside, relativeTo } from '@affidavit/model/paths.ts';

export type FileUse = 'execute' | 'read' | 'write' | 'rename' | 'remove';

export interface FileLine {
	use: FileUse;
	/** Relative to the workspace where inside it. */
	path: string;
	inWorkspace: boolean;
	/** sha256, hex; '' when none. */
	digest: string;
	assurance: Assurance;
	/** The sensor put another file's digest on it. */
	mixUp: boolean;
	foreign: boolean;
	count: number;
}

export interface ToolFiles {
	/** The tool's binary; '' for a process that was never seen. */
	binary: string;
	foreign: boolean;
	lines: FileLine[];
}

const useOf: Readonly<Record<FileFact['op'], FileUse>> = {
	execute: 'execute',
	map: 'read',
	read: 'read',
	write: 'write',
	open_write: 'write',
	truncate: 'write',
	link: 'rename',
	rename: 'rename',
	remove: 'remove',
};
const useOrder: readonly FileUse[] = ['execute', 'read', 'write', 'rename', 'remove'];

/** Tools in order of name, foreign ones last; lines by use and path. */
export function filesByTool(
	files: readonly FileFact[],
	processes: readonly TracedProcess[],
	workspace: string,
): ToolFiles[] {
	const binaryOf = new Map(processes.map((p) => [p.execId, p.binary]));
	const tools = new Map<string, { tool: ToolFiles; byKey: Map<string, FileLine> }>();
	for (const fact of files) {
		const binary = binaryOf.get(fact.execId) ?? '';
		const toolKey = `${fact.foreign ? 1 : 0}${binary}`;
		let entry = tools.get(toolKey);
		if (!entry) {
			entry = { tool: { binary, foreign: fact.foreign, lines: [] }, byKey: new Map() };
			tools.set(toolKey, entry);
		}
		const use = useOf[fact.op];
		// What is written has no digest of its own yet: an open_write's digest is of the content before.
		const digest = use === 'read' || use === 'execute' ? fact.digest : '';
		const key = JSON.stringify([use, fact.path, digest, fact.otherSize >= 0]);
		const line = entry.byKey.get(key);
		if (line) {
			line.count += fact.count;
			continue;
		}
		const fresh: FileLine = {
			use,
			path: relativeTo(fact.path, workspace),
			inWorkspace: isInside(fact.path, workspace),
			digest,
			assurance: digest === '' ? 'none' : fact.assurance,
			mixUp: fact.otherSize >= 0,
			foreign: fact.foreign,
			count: fact.count,
		};
		entry.byKey.set(key, fresh);
		entry.tool.lines.push(fresh);
	}
	const result = [...tools.values()].map(({ tool }) => tool);
	for (const tool of result)
		tool.lines.sort((a, b) => useOrder.indexOf(a.use) - useOrder.indexOf(b.use) || compare(a.path, b.path));
	return result.sort((a, b) => Number(a.foreign) - Number(b.foreign) || compare(a.binary, b.binary));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
