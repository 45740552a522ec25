// The real library as a process of its own: how long it takes, and its peak memory where /proc tells it.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import type { PeerFiles } from '../../interop/peerverify.ts';
import { peerArguments } from '../../interop/peerverify.ts';

export interface PeerRun {
	accepted: boolean;
	ms: number;
	/** Null where there is no /proc. */
	peakMb: number | null;
}

const pollMs = 10;

/** Throws when the peer cannot be started. */
export function runPeer(binary: string, files: PeerFiles): Promise<PeerRun> {
	const began = performance.now();
	const child = spawn(binary, peerArguments(files), { stdio: ['ignore', 'pipe', 'inherit'] });
	let output = '';
	child.stdout.setEncoding('utf8').on('data', (text: string) => {
		output += text;
	});
	let peakKb = 0;
	const poll = setInterval(() => {
		peakKb = Math.max(peakKb, peakOf(child.pid));
	}, pollMs);
	return new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('close', () => {
			clearInterval(poll);
			const ms = performance.now() - began;
			resolve({
				accepted: output.trimEnd().endsWith('ACCEPT'),
				ms,
				peakMb: peakKb === 0 ? null : Math.round(peakKb / 1024),
			});
		});
	});
}

function peakOf(pid: number | undefined): number {
	try {
		return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
	} catch {
		return 0;
	}
}
