// A Rego engine that asks the `opa` binary on the PATH: every construct and built-in that OPA knows, except the network.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
	PackageAnswer,
	RegoAnswer,
	RegoEngine,
	RegoRequest,
	RegoSource,
} from '@affidavit/attest/policy/rego-engine.ts';
import { CliError } from '../../errors.ts';
import { denyQuery, offlineCapabilities, type ParsedModule, readEval, readParse } from './answer.ts';
import { type OpaOutcome, type OpaRun, runOpa } from './process.ts';

/** Modules of one attestation type; each costs a run of `opa parse`. */
const modulesMax = 200;
/** Parsed modules that are remembered: the same ones come again with every attestor. */
const rememberedMax = 1_000;
/** Wall time of all runs of one engine together: each attestor of a policy costs one. */
const totalMsMax = 120_000;
/** Longest query: one argument of a command has 128 KiB on Linux. */
const queryCharsMax = 100_000;

interface Opa {
	run(run: OpaRun): Promise<OpaOutcome>;
	/** Since 1.0 v1 syntax is the default, and Witness's v0 has to be asked for. */
	v0: readonly string[];
	capabilities: string;
	parsed: Map<string, ParsedModule>;
}

/** Throws CliError('usage') when there is no usable `opa`. `path`: the PATH to look for it on. */
export async function openOpaEngine(path: string): Promise<RegoEngine> {
	let leftMs = totalMsMax;
	const run = async (request: OpaRun): Promise<OpaOutcome> => {
		if (leftMs <= 0) return { kind: 'stopped', reason: `opa: over ${totalMsMax} ms for all evaluations together` };
		const start = performance.now();
		const outcome = await runOpa(request, path);
		leftMs -= performance.now() - start;
		return outcome;
	};
	const version = /^Version: (\d+)(\.[\w.+-]{1,40})/m.exec(await stdoutOf(run, ['version']));
	if (!version) throw new CliError('usage', '--rego-engine opa: `opa version` does not tell a version');
	const v0 = version[1] === '0' ? [] : ['--v0-compatible'];
	const capabilities = offlineCapabilities(await stdoutOf(run, ['capabilities', '--current', ...v0]));
	if (capabilities === null)
		throw new CliError('usage', '--rego-engine opa: `opa capabilities --current` does not print capabilities');
	const opa: Opa = { run, v0, capabilities, parsed: new Map() };
	return {
		name: `opa ${version[1]}${version[2]}`,
		tellsMissing: false,
		evaluate: (request) => inPrivateFolder((folder) => evaluate(opa, folder, request)),
	};
}

async function stdoutOf(run: Opa['run'], args: readonly string[]): Promise<string> {
	// Never in a folder that others write to: a PATH may hold relative folders.
	const outcome = await inPrivateFolder((cwd) => run({ cwd, args, stdin: '' }));
	if (outcome.kind !== 'exited') throw new CliError('usage', `--rego-engine opa: ${outcome.reason}`);
	if (outcome.code !== 0)
		throw new CliError('usage', `--rego-engine opa: \`opa ${args.join(' ')}\` exited ${outcome.code}`);
	return outcome.stdout;
}

async function inPrivateFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
	const folder = await mkdtemp(join(tmpdir(), 'affidavit-rego-'));
	try {
		return await use(folder);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

async function evaluate(opa: Opa, folder: string, { modules, input }: RegoRequest): Promise<RegoAnswer> {
	if (modules.length > modulesMax) return refused([`expected at most ${modulesMax} modules, found ${modules.length}`]);
	const reasons: string[] = [];
	const packages = new Map<string, PackageAnswer>();
	for (const [i, source] of modules.entries()) {
		await writeFile(join(folder, fileName(i)), source.text, { mode: 0o600 });
		const parsed = await parse(opa, folder, i, source);
		if (parsed.kind === 'invalid') {
			reasons.push(...parsed.reasons);
			continue;
		}
		const known = packages.get(parsed.package);
		if (!known) packages.set(parsed.package, emptyAnswer(parsed.package, source.name, parsed.hasDeny));
		else {
			known.modules.push(source.name);
			known.hasDeny ||= parsed.hasDeny;
		}
	}
	if (reasons.length > 0) return refused(reasons);
	const answers = [...packages.values()];
	return ask(opa, folder, modules, answers, input);
}

const emptyAnswer = (reference: string, module: string, hasDeny: boolean): PackageAnswer => ({
	package: reference,
	modules: [module],
	hasDeny,
	deny: { kind: 'undefined' },
	missing: [],
	builtinFailures: [],
});

async function ask(
	opa: Opa,
	folder: string,
	modules: readonly RegoSource[],
	packages: PackageAnswer[],
	input: unknown,
): Promise<RegoAnswer> {
	const query = denyQuery(packages.map((p) => p.package));
	if (query.length > queryCharsMax) return refused(['the names of the packages are too long for opa']);
	await writeFile(join(folder, 'capabilities.json'), opa.capabilities, { mode: 0o600 });
	// File names of our own: a module's name is the policy's, and may be any text.
	const data = modules.flatMap((_, i) => ['--data', fileName(i)]);
	const outcome = await opa.run({
		cwd: folder,
		args: [
			'eval',
			'--format',
			'json',
			...opa.v0,
			'--capabilities',
			'capabilities.json',
			...data,
			'--stdin-input',
			query,
		],
		stdin: inputJson(input),
	});
	if (outcome.kind !== 'exited') return refused([outcome.reason]);
	const answers = readEval(outcome.stdout, packages.length, nameFrom(modules));
	if (answers.kind === 'refused') return refused(answers.reasons);
	packages.forEach((answer, i) => {
		answer.deny = answers.values[i] ?? answer.deny;
	});
	return { kind: 'answer', packages };
}

async function parse(opa: Opa, folder: string, index: number, source: RegoSource): Promise<ParsedModule> {
	const key = JSON.stringify([source.name, source.text]);
	const known = opa.parsed.get(key);
	if (known) return known;
	const outcome = await opa.run({
		cwd: folder,
		args: ['parse', '--format', 'json', ...opa.v0, fileName(index)],
		stdin: '',
	});
	// opa writes what is wrong with a module to stderr, in the same form.
	const parsed: ParsedModule =
		outcome.kind === 'exited'
			? readParse(outcome.code === 0 ? outcome.stdout : outcome.stderr || outcome.stdout, () => source.name)
			: { kind: 'invalid', reasons: [outcome.reason] };
	if (opa.parsed.size < rememberedMax) opa.parsed.set(key, parsed);
	return parsed;
}

const fileName = (index: number): string => `${index}.rego`;
const nameFrom =
	(modules: readonly RegoSource[]) =>
	(file: string): string =>
		modules[Number.parseInt(file, 10)]?.name ?? file;

/** Numbers that a double cannot hold come as bigint and leave as they are. */
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;
const inputJson = (input: unknown): string =>
	JSON.stringify(input, (_key, value: unknown) => (typeof value === 'bigint' ? rawJson(String(value)) : value));

const refused = (reasons: string[]): RegoAnswer => ({ kind: 'refused', reasons });
