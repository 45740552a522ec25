// `opa eval` on the same module and input, as a process.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openOpa } from '../../interop/opa.ts';
import { median } from './timing.ts';

export interface OpaFigures {
	/** Its own count of the evaluation, the input parsed before. */
	evaluationMs: number;
	/** From start to end. */
	processMs: number;
}

/** Null where there is no `opa`. Throws when it says anything but an empty set. */
export function evaluateWithOpa(request: {
	folder: string;
	module: string;
	query: string;
	input: string;
	rounds: number;
}): OpaFigures | null {
	const opa = openOpa();
	if (opa.kind === 'absent') return null;
	const module = join(request.folder, 'rule.rego');
	const input = join(request.folder, 'input.json');
	writeFileSync(module, request.module);
	writeFileSync(input, request.input);
	const options = ['eval', '--format', 'json', '--metrics', '--v0-compatible', '--data', module, '--input', input];
	const evaluations: number[] = [];
	const processes: number[] = [];
	for (let i = 0; i < request.rounds; i++) {
		const began = performance.now();
		const { stdout, stderr } = spawnSync(join(opa.folder, 'opa'), [...options, request.query], { encoding: 'utf8' });
		processes.push(performance.now() - began);
		const answer = JSON.parse(stdout) as {
			result?: { expressions: { value: unknown }[] }[];
			metrics: Record<string, number>;
		};
		if (JSON.stringify(answer.result?.[0]?.expressions[0]?.value) !== '[]') throw new Error(`opa: ${stdout}${stderr}`);
		evaluations.push((answer.metrics['timer_rego_query_eval_ns'] ?? Number.NaN) / 1e6);
	}
	return { evaluationMs: median(evaluations), processMs: median(processes) };
}
