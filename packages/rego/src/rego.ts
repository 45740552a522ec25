// Rego from source: modules to a program, a program and an input to answers. Nothing here throws on any source or value.
import { compileProgram, type Program } from './compile/program.ts';
import { findNode } from './compile/rule-tree.ts';
import { describeProblem, type Problem } from './errors.ts';
import {
	type Document,
	denyFunction,
	packageAnswer,
	packagesOf,
	type RegoAnswer,
	reasonsSize,
} from './eval/deny-answer.ts';
import { documentAt } from './eval/document.ts';
import { inputPathsOf } from './eval/input-paths.ts';
import { defaultLimits, type Limits, resultsMax } from './eval/limits.ts';
import { createMachine, type Frame, type Machine } from './eval/machine.ts';
import { unflipped } from './eval/misses.ts';
import { compileSteps } from './eval/module-cost.ts';
import { type Position, runLimited } from './eval/run.ts';
import type { Expression, Module } from './syntax/ast.ts';
import { parseModule, parseQuery } from './syntax/parse.ts';
import type { Value } from './value/value.ts';
import { LimitReached } from './value/work.ts';

export type { Program } from './compile/program.ts';
export type { Limits } from './eval/limits.ts';

export interface Source {
	/** What problems and missing reads call the module. */
	name: string;
	text: string;
}

export interface CompileOptions {
	version: 'v0' | 'v1';
}

export type CompiledModules = { kind: 'program'; program: Program } | { kind: 'invalid'; problems: Problem[] };

export function compileModules(sources: readonly Source[], options: CompileOptions): CompiledModules {
	const modules: Module[] = [];
	const problems: Problem[] = [];
	for (const source of sources) {
		const parsed = parseModule(source, options);
		if (parsed.kind === 'module') modules.push(parsed.module);
		else problems.push(...parsed.problems);
	}
	return problems.length > 0 ? { kind: 'invalid', problems } : compileLimited(modules, null);
}

/** Ground composites are compared and keyed while compiling, so that is limited as well. */
function compileLimited(modules: readonly Module[], query: readonly Expression[] | null): CompiledModules {
	const compiled = runLimited(defaultLimits, (at) => compileProgram(modules, query, at));
	return compiled.kind === 'done' ? compiled.value : { kind: 'invalid', problems: [compiled.problem] };
}

export interface EvaluateOptions {
	/** Parsed JSON as it stands, or any value; left out where there is no input. */
	input?: Value;
	/** Base documents. */
	data?: Value;
	/** Unix time in nanoseconds, of time.now_ns. */
	nowNs: bigint;
	limits?: Partial<Limits>;
	/** Steps that several evaluations may take together, beside the limit of each. */
	allowance?: { steps: number };
	/** Whether an error of a built-in ends the evaluation instead of being undefined. Default false. */
	strictBuiltinErrors?: boolean;
	/** Of the query's text. Default v0. */
	version?: 'v0' | 'v1';
}

/** One for each way in which the query holds: the variables that it names, and their values. */
export type Bindings = ReadonlyMap<string, Value>;
export type QueryAnswer = { kind: 'results'; results: Bindings[] } | { kind: 'error'; problem: Problem };

export function evaluateQuery(program: Program, query: string, options: EvaluateOptions): QueryAnswer {
	const parsed = parseQuery(query, { version: options.version ?? 'v0' });
	if (parsed.kind === 'invalid') return { kind: 'error', problem: parsed.problems[0] as Problem };
	// Compiled with the modules, since what it replaces (`with`) is compiled into them.
	const compiled = compileLimited(program.modules, parsed.query);
	if (compiled.kind === 'invalid') return { kind: 'error', problem: compiled.problems[0] as Problem };
	const { query: run } = compiled.program;
	if (run === null) return { kind: 'results', results: [] };
	const limits = { ...defaultLimits, ...options.limits };
	const outcome = runLimited(limits, (at) => {
		const machine = machineFor(options, limits, at);
		const frame: Frame = new Array<Value | undefined>(run.slots).fill(undefined);
		const results: Bindings[] = [];
		run.run((_m, f) => {
			if (results.length >= resultsMax) throw new LimitReached('outputItems');
			results.push(new Map(run.names.map(({ name, slot }) => [name, f[slot] as Value])));
			return false;
		})(machine, frame);
		return results;
	});
	if (outcome.kind === 'stopped') return { kind: 'error', problem: outcome.problem };
	return { kind: 'results', results: outcome.value };
}

function machineFor(options: EvaluateOptions, limits: Limits, at: Position): Machine {
	const { input, data, nowNs, strictBuiltinErrors = false } = options;
	return createMachine({ input, data, nowNs, limits, strictBuiltinErrors, inputPaths: inputPathsOf(input), at });
}

export type DocumentsAnswer = { kind: 'documents'; documents: Document[] } | { kind: 'error'; problem: Problem };

/** The documents at paths below data, of one evaluation; each with what its rules missed. */
export function evaluateDocuments(
	program: Program,
	paths: readonly (readonly string[])[],
	options: EvaluateOptions,
): DocumentsAnswer {
	const limits = { ...defaultLimits, ...options.limits };
	const { allowance } = options;
	if (allowance) limits.steps = Math.min(limits.steps, allowance.steps);
	const outcome = runLimited(limits, (at) => {
		const machine = machineFor(options, limits, at);
		return paths.map((path): Document => {
			const node = findNode(program.tree.root, path);
			machine.misses = null;
			const value = node === null ? undefined : documentAt(machine, program, node);
			return { value, shortfalls: unflipped(machine.misses) };
		});
	});
	if (allowance) allowance.steps -= outcome.steps;
	if (outcome.kind === 'stopped') return { kind: 'error', problem: outcome.problem };
	return { kind: 'documents', documents: outcome.value };
}

/** What a policy asks of its modules: the `deny` of each package. The same as @affidavit/attest's RegoEngine. */
export interface RegoEngine {
	name: string;
	tellsMissing: boolean;
	evaluate(request: {
		modules: readonly Source[];
		/** Parsed JSON. */
		input: unknown;
		nowNs: bigint;
		allowance?: { steps: number };
	}): Promise<RegoAnswer>;
}

/** Modules are v0 unless they import rego.v1, as for the real engine. */
export function createRegoEngine(limits: Partial<Limits> = {}): RegoEngine {
	/** A policy's modules come again with every attestor, in the same array. */
	const compiled = new WeakMap<readonly Source[], CompiledModules>();
	return {
		name: 'affidavit',
		tellsMissing: true,
		evaluate: async ({ modules, input, nowNs, allowance }) => {
			let program = compiled.get(modules);
			if (program === undefined) {
				if (allowance) allowance.steps -= compileSteps(modules);
				if (allowance && allowance.steps < 0)
					return { kind: 'refused', reasons: ['the modules of all steps are more than one verification may compile'] };
				program = compileModules(modules, { version: 'v0' });
				compiled.set(modules, program);
			}
			if (program.kind === 'invalid') return { kind: 'refused', reasons: program.problems.map(describeProblem) };
			const shared = allowance && { allowance };
			return answerPackages(program.program, { input: input as Value, nowNs, limits, ...shared });
		},
	};
}

function answerPackages(program: Program, options: EvaluateOptions): RegoAnswer {
	const packages = packagesOf(program.modules);
	const called = denyFunction(packages);
	if (called !== null) return { kind: 'refused', reasons: [describeProblem(called)] };
	const paths = packages.map(({ path }) => [...path, 'deny']);
	const answer = evaluateDocuments(program, paths, options);
	if (answer.kind === 'error') return { kind: 'refused', reasons: [describeProblem(answer.problem)] };
	const answers = packages.map((item, i) => packageAnswer(item, answer.documents[i] as Document));
	const { outputBytes } = { ...defaultLimits, ...options.limits };
	if (reasonsSize(answers) > outputBytes) {
		return { kind: 'refused', reasons: [`the reasons take more than the limit of outputBytes: ${outputBytes}`] };
	}
	return { kind: 'answer', packages: answers };
}
