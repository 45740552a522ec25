// `affidavit verify --policy` on files, as a user runs it.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PolicyResult } from '@affidavit/attest/policy/result.ts';
import type { PeerFiles } from './peerverify.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const timeoutMs = 120_000;

export interface CommandAnswer {
	/** 0 accepted, 1 rejected. */
	exitCode: number | null;
	result: PolicyResult;
}

/** Throws when the command prints no JSON: wrong use, or a crash. */
export function askCommand(files: PeerFiles, mode: PolicyResult['mode']): CommandAnswer {
	const { policy, policyKey, attestations, artifact } = files;
	const given = ['--policy', policy, '--policy-key', policyKey, '--attestation', ...attestations];
	const compat = mode === 'witness' ? ['--compat', 'witness'] : [];
	const { status, stdout, stderr } = spawnSync(
		process.execPath,
		[join(root, 'cli/bin/affidavit.js'), 'verify', artifact, '--json', ...compat, ...given],
		{ encoding: 'utf8', timeout: timeoutMs, maxBuffer: 256 * 1024 * 1024 },
	);
	if (status !== 0 && status !== 1) throw new Error(`affidavit verify: exit ${status}: ${stderr}`);
	return { exitCode: status, result: JSON.parse(stdout) as PolicyResult };
}
