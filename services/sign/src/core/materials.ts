// Materials: what the session found in its workspace and read before writing it, with corroborated digests only.
import type { FileFact } from '@affidavit/model/facts.ts';
import type { Manifest } from '@affidavit/model/manifest.ts';
import { isInside, relativeTo } from '@affidavit/model/paths.ts';
import { hasSoundDigest, readsContent, writtenBySession } from './file-facts.ts';

export interface Materials {
	/** Workspace-relative path to sha256, sorted by absolute path. */
	digests: Map<string, string>;
	/** Beyond the bound: left out. */
	omitted: number;
}

export interface MaterialCollector {
	/** Facts in canonical order: all of a path together. */
	add(fact: FileFact): void;
	end(): Materials;
}

interface Seen {
	digest: string;
	size: number;
	opens: number;
}

export interface MaterialOptions {
	workspace: string;
	manifest: Manifest | null;
	/** Paths that a finding names (workspace-relative or absolute): their content is disputed. */
	disputed: ReadonlySet<string>;
	filesMax: number;
}

export function createMaterialCollector(options: MaterialOptions): MaterialCollector {
	const digests = new Map<string, string>();
	let omitted = 0;
	let path = '';
	let seen: Seen[] = [];

	const flush = (): void => {
		if (seen.length === 0) return;
		const relative = relativeTo(path, options.workspace);
		const digest = corroborated(seen, relative, options.manifest);
		seen = [];
		if (digest === '' || options.disputed.has(relative) || options.disputed.has(path)) return;
		if (digests.size < options.filesMax) digests.set(relative, digest);
		else omitted++;
	};
	return {
		add(fact) {
			if (fact.path !== path) {
				flush();
				path = fact.path;
			}
			if (!readsContent(fact) || !hasSoundDigest(fact) || writtenBySession(fact)) return;
			if (!isInside(path, options.workspace) || path === options.workspace) return;
			if (isInside(path, `${options.workspace}/.git`)) return;
			const known = seen.find((s) => s.digest === fact.digest && s.size === fact.size);
			if (known) known.opens += fact.count;
			// Three different contents are as disputed as more.
			else if (seen.length < 3) seen.push({ digest: fact.digest, size: fact.size, opens: fact.count });
		},
		end() {
			flush();
			return { digests, omitted };
		},
	};
}

/** The digest that the repository holds too, or that two independent opens agree on with none that disagrees; else ''. */
function corroborated(seen: readonly Seen[], relative: string, manifest: Manifest | null): string {
	const first = seen[0];
	if (!first || seen.some((s) => s.digest !== first.digest)) return '';
	const held = manifest && Object.hasOwn(manifest.files, relative) ? manifest.files[relative] : undefined;
	if (held)
		return held.sha256 === first.digest && seen.every((s) => s.size === -1 || s.size === held.size) ? held.sha256 : '';
	const opens = seen.reduce((sum, s) => sum + s.opens, 0);
	return seen.length === 1 && opens >= 2 ? first.digest : '';
}
