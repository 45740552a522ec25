// A policy of several steps over many envelopes: first one build among others, then all of them of one commit.
import { gitType, productType } from '@affidavit/attest/type-uris.ts';
import { commandRun, compiler, git, material, product } from '../../interop/policy-matrix/attestors.ts';
import type { Inputs } from '../../interop/policy-matrix/case.ts';
import type { CollectionSpec, StepSpec } from '../../interop/policy-matrix/maker.ts';
import { createMaker } from '../../interop/policy-matrix/maker.ts';
import { askOurs } from '../../interop/policy-matrix/ours.ts';
import { writeInputs } from '../../interop/policy-matrix/run.ts';
import { runPeer } from './peer-run.ts';
import { benchRule } from './rego.ts';
import { median, rounded, timed } from './timing.ts';

export interface ManyFigures {
	envelopes: number;
	steps: number;
	/** Only one build's envelopes belong to the artifact. */
	ms: number;
	peerMs: number | null;
	/** All envelopes belong to it: each is verified and judged. */
	matchingMs: number;
	matchingPeerMs: number | null;
}

const names = ['fetch', 'generate', 'compile', 'test', 'build'];

/** Every step reads what the step before wrote; all steps of a build carry its commit. */
function collections(build: number, steps: number, commit: string): CollectionSpec[] {
	return names.slice(-steps).map((name, i) => ({
		name,
		file: `${name}-${build}.json`,
		attestations: [
			git(commit),
			material({ [`out${i}`]: `out${i}` }),
			commandRun(Array.from({ length: 20 }, (_, p) => compiler(`tool ${p}`))),
			product({ [`out${i + 1}`]: `out${i + 1}`, [`result${i}`]: `${name} ${build}` }),
		],
	}));
}

const stepSpecs = (steps: number): StepSpec[] =>
	names.slice(-steps).map((name, i, all) => ({
		name,
		types: [gitType, 'https://witness.dev/attestations/command-run/v0.1', productType],
		rego: [benchRule],
		...(i > 0 && { artifactsFrom: [all[i - 1] as string] }),
	}));

async function make(envelopes: number, steps: number, commitOf: (build: number) => string): Promise<Inputs> {
	const specs = Array.from({ length: envelopes / steps }, (_, build) =>
		collections(build, steps, commitOf(build)),
	).flat();
	return createMaker('bench', Date.now()).given({ steps: stepSpecs(steps), collections: specs, artifact: 'build 0' });
}

async function measure(inputs: Inputs, rounds: number, binary: string | null, folder: string) {
	const files = writeInputs(folder, inputs);
	const ours: number[] = [];
	const peers: number[] = [];
	for (let i = 0; i <= rounds; i++) {
		const ms = await timed(async () => {
			const { accepted, reason } = await askOurs(inputs, 'strict', Date.now());
			if (!accepted) throw new Error(`many envelopes: ${reason}`);
		});
		// The first round warms the compiler up.
		if (i > 0) ours.push(ms);
		if (binary === null || i === 0) continue;
		const answer = await runPeer(binary, files);
		if (!answer.accepted) throw new Error('many envelopes: the peer rejects');
		peers.push(answer.ms);
	}
	return { ms: rounded(median(ours)), peerMs: peers.length === 0 ? null : rounded(median(peers)) };
}

export async function benchManyEnvelopes(options: {
	envelopes: number;
	steps: number;
	rounds: number;
	binary: string | null;
	folder: string;
}): Promise<ManyFigures> {
	const { envelopes, steps, rounds, binary, folder } = options;
	const apart = await make(envelopes, steps, (build) => build.toString(16).padStart(40, '0'));
	const one = await measure(apart, rounds, binary, `${folder}/many`);
	const together = await make(envelopes, steps, () => 'a'.repeat(40));
	const all = await measure(together, rounds, binary, `${folder}/matching`);
	return { envelopes, steps, ...one, matchingMs: all.ms, matchingPeerMs: all.peerMs };
}
