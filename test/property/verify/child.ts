// Verifies files against a policy, in a process whose time and peak memory are figures of their own. Arguments: a file of PeerFiles, mode; prints a ChildAnswer.
import { readFileSync } from 'node:fs';
import type { PolicyMode } from '@affidavit/attest/policy/result.ts';
import { boundHeap } from '../../../cli/src/heap.ts';
import type { PeerFiles } from '../../interop/peerverify.ts';
import { askOurs } from '../../interop/policy-matrix/ours.ts';

export interface ChildAnswer {
	accepted: boolean;
	reason: string;
	/** Milliseconds of the verification, its files read before; of this process's CPU where that is less, so that a busy machine is no hang. */
	ms: number;
	/** Of the process. */
	peakMb: number;
}

// As the command does.
boundHeap();
const [files = '', mode] = process.argv.slice(2);
const paths = JSON.parse(readFileSync(files, 'utf8')) as PeerFiles;
const inputs = {
	policy: readFileSync(paths.policy),
	policyKey: readFileSync(paths.policyKey, 'utf8'),
	attestations: paths.attestations.map((name) => ({ name, bytes: readFileSync(name) })),
	artifact: readFileSync(paths.artifact),
};
const began = performance.now();
const cpuBegan = process.cpuUsage();
const { accepted, reason } = await askOurs(inputs, mode as PolicyMode, Date.now());
const cpu = process.cpuUsage(cpuBegan);
const answer: ChildAnswer = {
	accepted,
	reason: reason.slice(0, 1000),
	ms: Math.round(Math.min(performance.now() - began, (cpu.user + cpu.system) / 1000)),
	peakMb: Math.round(process.resourceUsage().maxRSS / 1024),
};
process.stdout.write(JSON.stringify(answer));
