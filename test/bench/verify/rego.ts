// The talk's rule over a large trace: evaluation alone, and the whole verification of the collection that holds it.
import { createRegoEngine } from '@affidavit/rego/rego.ts';
import type { TracedProcess } from '../../interop/policy-matrix/attestors.ts';
import { commandRun, digestOf, product } from '../../interop/policy-matrix/attestors.ts';
import { createMaker } from '../../interop/policy-matrix/maker.ts';
import { askOurs } from '../../interop/policy-matrix/ours.ts';
import { writeInputs } from '../../interop/policy-matrix/run.ts';
import { evaluateWithOpa } from './opa-run.ts';
import { runPeer } from './peer-run.ts';
import { median, rounded, timed } from './timing.ts';

export interface RegoFigures {
	processes: number;
	inputMb: number;
	/** Median of one evaluation, input parsed before. */
	ms: number;
	/** The first evaluation of a process: nothing compiled yet. */
	firstMs: number;
	/** What opa says its evaluation took, input parsed before. */
	opaMs: number | null;
	/** `opa eval` from start to end. */
	opaProcessMs: number | null;
	verifyMs: number;
	/** `peerverify` from start to end. */
	peerVerifyMs: number | null;
}

const openedFilesPerProcess = 8;

/** SYNTHETIC: what a traced build of a thousand sources looks like, about 1,100 bytes a process. */
export const tracedProcess = (i: number): TracedProcess => ({
	program: `/usr/lib/gcc/x86_64-linux-gnu/14/cc${i % 7}`,
	processid: 1000 + i,
	parentpid: 1000 + (i >> 3),
	programdigest: { sha256: digestOf(`program ${i % 40}`) },
	comm: `cc${i % 7}`,
	cmdline: `cc${i % 7} -quiet -I include -O2 -o /tmp/unit${i}.s src/dir${i % 97}/unit${i}.c`,
	exedigest: { sha256: digestOf(`program ${i % 40}`) },
	openedfiles: Object.fromEntries(
		Array.from({ length: openedFilesPerProcess }, (_, f) => [
			`/usr/include/dir${f}/header${(i + f) % 500}.h`,
			{ sha256: digestOf(`${(i + f) % 500}`) },
		]),
	),
});

/** The talk's rule, and one that wants a digest of every program. */
export const benchRule = `package trace_demo
deny[msg] {
  input.processes[_].programdigest.sha256 == "${digestOf('trojan')}"
  msg := "Malicious Compiler"
}
deny[msg] {
  process := input.processes[_]
  not process.programdigest.sha256
  msg := sprintf("no digest of %s", [process.program])
}
`;

export async function benchRego(options: {
	processes: number;
	rounds: number;
	binary: string | null;
	folder: string;
}): Promise<RegoFigures> {
	const { processes, rounds, binary, folder } = options;
	const run = commandRun(Array.from({ length: processes }, (_, i) => tracedProcess(i)));
	const text = JSON.stringify(run.attestation);
	const engine = createRegoEngine();
	const request = {
		modules: [{ name: 'trace', text: benchRule }],
		input: JSON.parse(text) as unknown,
		nowNs: BigInt(Date.now()) * 1_000_000n,
	};
	const evaluate = async (): Promise<void> => {
		const answer = await engine.evaluate(request);
		const deny = answer.kind === 'answer' ? answer.packages[0]?.deny : undefined;
		if (deny?.kind !== 'reasons' || deny.reasons.length > 0) throw new Error(`rego: ${JSON.stringify(answer)}`);
	};
	const firstMs = await timed(evaluate);
	const samples: number[] = [];
	for (let i = 0; i < rounds; i++) samples.push(await timed(evaluate));
	const opa = evaluateWithOpa({ folder, module: benchRule, query: 'data.trace_demo.deny', input: text, rounds });

	const maker = createMaker('bench', Date.now());
	const inputs = await maker.given({
		steps: [{ rego: [benchRule] }],
		collections: [{ attestations: [run, product({ app: 'app' })] }],
	});
	const files = writeInputs(`${folder}/rego`, inputs);
	const ours: number[] = [];
	const peers: number[] = [];
	for (let i = 0; i < rounds; i++) {
		ours.push(
			await timed(async () => {
				const { accepted, reason } = await askOurs(inputs, 'strict', maker.nowMs);
				if (!accepted) throw new Error(`rego: ${reason}`);
			}),
		);
		if (binary === null) continue;
		const answer = await runPeer(binary, files);
		if (!answer.accepted) throw new Error('rego: the peer rejects');
		peers.push(answer.ms);
	}
	return {
		processes,
		inputMb: rounded(text.length / 1e6),
		ms: rounded(median(samples), 2),
		firstMs: rounded(firstMs),
		opaMs: opa && rounded(opa.evaluationMs),
		opaProcessMs: opa && rounded(opa.processMs),
		verifyMs: rounded(median(ours)),
		peerVerifyMs: peers.length === 0 ? null : rounded(median(peers)),
	};
}
