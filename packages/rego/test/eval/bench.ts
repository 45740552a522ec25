// By hand: node packages/rego/test/eval/bench.ts. Rules over 5,000 processes (about 5.6 MB of JSON); best and median of runs, in ms.
import { compileModules, evaluateDocuments } from '../../src/rego.ts';
import type { Value } from '../../src/value/value.ts';

const processes = 5_000;
const runs = 15;

const digest = (i: number): string => i.toString(16).padStart(64, '0');

const process_ = (i: number): unknown => ({
	program: `/usr/bin/tool-${i % 97}`,
	processid: 1_000 + i,
	parentpid: 1_000 + Math.floor(i / 3),
	programdigest: { sha256: digest(i % 900) },
	exedigest: { sha256: digest(i % 900) },
	cmdline: `tool-${i} --flag ${'x'.repeat(300)}`,
	environ: 'PATH=/usr/bin'.repeat(20),
	openedfiles: { [`/lib/a-${i}`]: { sha256: digest(i) }, [`/lib/b-${i}`]: { sha256: digest(i + 1) } },
});

const text = JSON.stringify({ exitcode: 0, processes: Array.from({ length: processes }, (_, i) => process_(i)) });
const withoutDigests = text.replaceAll('programdigest', 'programdigests');
const allowed = JSON.stringify(Array.from({ length: 10_000 }, (_, i) => digest(i)));

const rules: [name: string, module: string, input?: string][] = [
	['constant digest', 'deny[msg] { input.processes[_].programdigest.sha256 == "beef"; msg := "Malicious Compiler" }'],
	[
		'constant digest, all missing',
		'deny[msg] { input.processes[_].programdigest.sha256 == "beef"; msg := "Malicious Compiler" }',
		withoutDigests,
	],
	[
		'allow set of 10,000',
		`allowed := {x | x := ${allowed}[_]}\ndeny[msg] { p := input.processes[_]; not allowed[p.programdigest.sha256]; msg := p.program }`,
	],
	[
		'allow array of 10,000, x in xs',
		`import future.keywords.in\nallowed := ${allowed}\ndeny[msg] { p := input.processes[_]; not p.programdigest.sha256 in allowed; msg := p.program }`,
	],
	[
		'allow array of 10,000, helper with _',
		`allowed := ${allowed}\nok(d) { allowed[_] == d }\ndeny[msg] { p := input.processes[_]; not ok(p.programdigest.sha256); msg := p.program }`,
	],
	[
		'processes against processes by pid',
		'deny[msg] { p := input.processes[_]; q := input.processes[_]; p.parentpid == q.processid; q.program == "no"; msg := p.program }',
	],
	[
		'parents by pid, reference equality',
		'deny[msg] { p := input.processes[_]; input.processes[j].processid == p.parentpid; input.processes[j].program == "no"; msg := p.program }',
	],
	[
		'startswith, function, sprintf',
		'bad(p) { startswith(p.program, "/tmp/") }\ndeny[msg] { p := input.processes[_]; bad(p); msg := sprintf("%s", [p.program]) }',
	],
	[
		'opened files of all processes',
		'deny[msg] { input.processes[i].openedfiles[path].sha256 == "no"; msg := sprintf("%d %s", [i, path]) }',
	],
	['count of a comprehension', 'deny[msg] { count([p | p := input.processes[_]; p.exitcode != 0]) > 3; msg := "x" }'],
];

process.stdout.write(`input: ${(text.length / 1e6).toFixed(1)} MB, ${processes} processes\n`);
for (const [name, module, given = text] of rules) {
	const begun = performance.now();
	const compiled = compileModules([{ name: 'bench.rego', text: `package bench\n${module}\n` }], { version: 'v0' });
	const compileMs = performance.now() - begun;
	if (compiled.kind === 'invalid') throw new Error(compiled.problems[0]?.message);
	const input = JSON.parse(given) as Value;
	const times: number[] = [];
	let found = '';
	for (let run = 0; run < runs; run++) {
		const from = performance.now();
		const answer = evaluateDocuments(compiled.program, [['bench', 'deny']], { input, nowNs: 0n });
		times.push(performance.now() - from);
		found =
			answer.kind === 'error' ? answer.problem.message : `${answer.documents[0]?.shortfalls[0]?.count ?? 0} missing`;
	}
	const first = times[0] ?? 0;
	times.sort((a, b) => a - b);
	const [best = 0, median = 0] = [times[0], times[Math.floor(runs / 2)]];
	process.stdout.write(
		`${name}: first ${first.toFixed(1)}, best ${best.toFixed(1)}, median ${median.toFixed(1)} (compile ${compileMs.toFixed(0)}; ${found})\n`,
	);
}
