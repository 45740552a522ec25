// Tools of the field that look at the shipped files: found on the PATH or in the user's cache, and installed there by the Go client
// when DEPLOY_TOOLS=install says so (a few minutes, once).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findTool } from '../servers/tools.ts';

interface GoTool {
	/** In the cache; a version of ours is part of it. */
	name: string;
	/** What `go install` makes. */
	binary: string;
	/** Package with its version, or a folder of a module. */
	from: { package: string } | { folder: string };
	/** Also used when it is on the PATH. */
	onPath: string | null;
}

export const helm: GoTool = {
	name: 'helm-v4.3.1',
	binary: 'helm',
	from: { package: 'helm.sh/helm/v4/cmd/helm@v4.3.1' },
	onPath: 'helm',
};
export const composeConfig: GoTool = {
	name: 'compose-go-v2',
	binary: 'cmd',
	from: { package: 'github.com/compose-spec/compose-go/v2/cmd@latest' },
	onPath: null,
};
export const strictManifests: GoTool = {
	name: 'strict-manifests-1',
	binary: 'strict-manifests',
	from: { folder: join(import.meta.dirname, 'strict-manifests') },
	onPath: null,
};
const installMsMax = 20 * 60_000;

/** Its path, or why there is none. */
export function goTool(tool: GoTool): { file: string } | { missing: string } {
	const onPath = tool.onPath === null ? null : findTool(tool.onPath);
	if (onPath !== null) return { file: onPath };
	const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'affidavit-peers');
	const file = join(cache, tool.name, tool.binary);
	if (existsSync(file)) return { file };
	if (process.env.DEPLOY_TOOLS !== 'install')
		return { missing: `no ${tool.binary}: DEPLOY_TOOLS=install lets the Go client fetch and build it, once` };
	if (findTool('go') === null) return { missing: `no ${tool.binary}, and no go to build it with` };
	const making = join(cache, `${tool.name}.${process.pid}`);
	mkdirSync(making, { recursive: true });
	const isFolder = 'folder' in tool.from;
	const { status, stderr } = spawnSync('go', ['install', 'package' in tool.from ? tool.from.package : '.'], {
		cwd: 'folder' in tool.from ? tool.from.folder : making,
		env: { ...process.env, GOBIN: making, ...(isFolder ? { GOFLAGS: '-mod=readonly' } : {}) },
		encoding: 'utf8',
		timeout: installMsMax,
	});
	if (status === 0) {
		rmSync(join(cache, tool.name), { recursive: true, force: true });
		renameSync(making, join(cache, tool.name));
		return { file };
	}
	rmSync(making, { recursive: true, force: true });
	return { missing: `${tool.binary} could not be built: ${stderr.trim().split('\n').at(-1)}` };
}
