// The real Witness library as a peer: the small Go program `peerverify` over the published go-witness module, built once.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export type Peer = { kind: 'peer'; binary: string } | { kind: 'absent'; reason: string };

const buildTimeoutMs = 15 * 60 * 1000;

/** Sources: $AFFIDAVIT_PEERS/peerverify, else ../shared/peers/peerverify beside the repository. */
export function openPeerverify(): Peer {
	const source = join(process.env['AFFIDAVIT_PEERS'] ?? join(root, '../shared/peers'), 'peerverify');
	if (!existsSync(join(source, 'main.go')))
		return { kind: 'absent', reason: `no ${source}/main.go: set AFFIDAVIT_PEERS to the folder that holds peerverify` };
	if (spawnSync('go', ['version']).status !== 0)
		return { kind: 'absent', reason: 'no `go` on the PATH to build peerverify with' };
	const hash = createHash('sha256');
	for (const file of ['go.mod', 'go.sum', 'main.go']) hash.update(readFileSync(join(source, file)));
	const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
	const folder = join(cache, 'affidavit-peers', hash.digest('hex').slice(0, 16));
	const binary = join(folder, 'peerverify');
	if (!existsSync(binary)) {
		mkdirSync(folder, { recursive: true });
		const built = `${binary}.${process.pid}`;
		execFileSync('go', ['build', '-o', built, '.'], { cwd: source, stdio: 'pipe', timeout: buildTimeoutMs });
		renameSync(built, binary);
	}
	return { kind: 'peer', binary };
}

export interface PeerAnswer {
	accepted: boolean;
	/** What it printed: steps with their reasons, then ACCEPT or REJECT. */
	output: string;
}

/** Paths; none of them may hold a comma. */
export interface PeerFiles {
	policy: string;
	policyKey: string;
	attestations: readonly string[];
	artifact: string;
}

export const peerArguments = ({ policy, policyKey, attestations, artifact }: PeerFiles): string[] => [
	...['-p', policy, '-k', policyKey, '-a', attestations.join(','), '-f', artifact],
];

export function askPeer(binary: string, files: PeerFiles): PeerAnswer {
	const { status, stdout, stderr } = spawnSync(binary, peerArguments(files), { encoding: 'utf8', timeout: 120_000 });
	const output = `${stdout}${stderr}`;
	const accepted = status === 0 && output.trimEnd().endsWith('ACCEPT');
	if (!accepted && !output.includes('REJECT'))
		throw new Error(`peerverify: expected ACCEPT or REJECT, found: ${output}`);
	return { accepted, output };
}
