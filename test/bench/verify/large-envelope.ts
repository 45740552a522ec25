// One envelope of 100 MB: time and peak memory of a process that reads and verifies it, beside the real library's.
import { execFileSync } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { commandRun, product } from '../../interop/policy-matrix/attestors.ts';
import { createMaker } from '../../interop/policy-matrix/maker.ts';
import { writeInputs } from '../../interop/policy-matrix/run.ts';
import type { ChildAnswer } from '../../property/verify/child.ts';
import { runPeer } from './peer-run.ts';
import { benchRule, tracedProcess } from './rego.ts';
import { median, rounded } from './timing.ts';

export interface LargeFigures {
	/** Of the envelope's file, 10^6 bytes each. */
	megabytes: number;
	/** Start of the process included, as with the peer. */
	ms: number;
	peakMb: number;
	peerMs: number | null;
	peerPeakMb: number | null;
}

const base64Overhead = 4 / 3;

export async function benchLargeEnvelope(options: {
	megabytes: number;
	rounds: number;
	binary: string | null;
	folder: string;
}): Promise<LargeFigures> {
	const { megabytes, rounds, binary } = options;
	const folder = `${options.folder}/large`;
	const one = JSON.stringify(tracedProcess(1)).length + 1;
	const processes = Math.floor((megabytes * 1e6) / base64Overhead / one);
	const inputs = await createMaker('bench', Date.now()).given({
		steps: [{ rego: [benchRule] }],
		collections: [
			{
				attestations: [
					commandRun(Array.from({ length: processes }, (_, i) => tracedProcess(i))),
					product({ app: 'app' }),
				],
			},
		],
	});
	const files = writeInputs(folder, inputs);
	const list = `${folder}/files.json`;
	writeFileSync(list, JSON.stringify(files));
	const script = fileURLToPath(new URL('../../property/verify/child.ts', import.meta.url));
	const ours: { ms: number; peakMb: number }[] = [];
	const peers: { ms: number; peakMb: number | null }[] = [];
	for (let i = 0; i < rounds; i++) {
		const began = performance.now();
		const answer = JSON.parse(
			execFileSync(process.execPath, [script, list, 'strict'], { encoding: 'utf8' }),
		) as ChildAnswer;
		ours.push({ ms: performance.now() - began, peakMb: answer.peakMb });
		if (!answer.accepted) throw new Error(`large envelope: ${answer.reason}`);
		if (binary === null) continue;
		const peer = await runPeer(binary, files);
		if (!peer.accepted) throw new Error('large envelope: the peer rejects');
		peers.push(peer);
	}
	const peaks = peers.flatMap((p) => (p.peakMb === null ? [] : [p.peakMb]));
	return {
		megabytes: rounded(statSync(files.attestations[0] ?? '').size / 1e6),
		ms: rounded(median(ours.map((o) => o.ms))),
		peakMb: Math.max(...ours.map((o) => o.peakMb)),
		peerMs: peers.length === 0 ? null : rounded(median(peers.map((p) => p.ms))),
		peerPeakMb: peaks.length === 0 ? null : Math.max(...peaks),
	};
}
