// Which reads are a compiler's inputs (design 7): reads in the workspace, by a tool of the catalogue; never git's own files.
import type { FileFact } from '@affidavit/model/facts.ts';
import type { ManifestFile } from '@affidavit/model/manifest.ts';
import type { Tool } from '../catalogue/catalogue.ts';
import type { Repository } from './repository.ts';
import type { Workspace } from './workspace.ts';

export type InputClass =
	| { kind: 'none' }
	/** The commit holds the path. */
	| { kind: 'committed'; path: string; expected: ManifestFile }
	/** The commit holds it, but what a work tree holds cannot be told (LFS, filters, ...). */
	| { kind: 'unresolved'; path: string; reason: string }
	/** No commit holds it: generated, downloaded, or placed by someone. */
	| { kind: 'uncommitted'; path: string };

const none: InputClass = { kind: 'none' };

export function classifyInput(
	f: FileFact,
	tool: Tool | null,
	workspace: Workspace,
	repository: Repository,
): InputClass {
	if (f.op !== 'read' || f.foreign || tool === null || tool.inputs === 'none' || !repository.known) return none;
	if (!workspace.contains(f.path) || workspace.isGit(f.path)) return none;
	const path = workspace.display(f.path);
	const expected = repository.file(path);
	if (expected) return { kind: 'committed', path, expected };
	const reason = repository.unresolved(path);
	if (reason !== undefined) return { kind: 'unresolved', path, reason };
	return tool.inputs === 'workspace' ? { kind: 'uncommitted', path } : none;
}
