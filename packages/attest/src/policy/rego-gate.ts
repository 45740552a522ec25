// The Rego of a policy on one attestor. The real engine asks for all packages' `deny` in one query, so that one undefined
// `deny` silences the others; strict mode, and a module marked `required`, is judged package by package and fails closed.
import type { LoadedAttestation } from './collection.ts';
import { regoInput } from './collection.ts';
import type { PolicyModule, RequiredAttestation } from './policy-model.ts';
import type { PackageAnswer, RegoEngine, RegoSource } from './rego-engine.ts';
import type { AttestationNode, PolicyMode, RuleNode, TrapNode } from './result.ts';

export interface RegoGate {
	required: RequiredAttestation;
	/** The same array for every attestor, so that an engine may keep what it compiled of it. */
	sources: readonly RegoSource[];
	/** Without the modules that a later one of the same name replaces in the real engine. */
	survivors: readonly RegoSource[];
}

/** Reasons that a sentence repeats; denials that a node holds. */
const reasonsShownMax = 20;
export const denialsMax = 1_000;

export function regoGate(required: RequiredAttestation): RegoGate {
	const names = required.rego.map(({ name }) => name);
	const unique = new Set(names).size === names.length;
	const sources = required.rego.map(({ name, text }, i) => ({ name: unique ? name : `${name}#${i + 1}`, text }));
	const survivors = unique ? sources : sources.filter((_, i) => names.lastIndexOf(names[i] as string) === i);
	return { required, sources, survivors };
}

export interface RegoContext {
	engine: RegoEngine;
	mode: PolicyMode;
	/** Unix time in nanoseconds. */
	nowNs: bigint;
	/** Shared by all attestors of one verification: each evaluation is bounded, but there may be many. */
	allowance?: { steps: number };
}

export async function judgeAttestation(
	gate: RegoGate,
	attestation: LoadedAttestation,
	index: number,
	context: RegoContext,
): Promise<AttestationNode> {
	const { required, sources, survivors } = gate;
	const node = { type: required.type, index };
	if (sources.length === 0)
		return { ...node, accepted: true, reason: 'present; the policy has no rule on it', rules: [] };
	const unwritable = attestation.about.unwritable?.(attestation.attestor) ?? '';
	if (unwritable !== '') return { ...node, accepted: false, reason: unwritable, rules: [] };
	const { engine, nowNs } = context;
	const shared = context.allowance && { allowance: context.allowance };
	const input = regoInput(attestation);
	const answer = await engine.evaluate({ modules: sources, input, nowNs, ...shared });
	if (answer.kind === 'refused') return refused(node, gate, answer.reasons);
	let replaced: ReadonlySet<string> = new Set();
	if (survivors.length < sources.length) {
		const asReal = await engine.evaluate({ modules: survivors, input, nowNs, ...shared });
		if (asReal.kind === 'refused') return refused(node, gate, asReal.reasons);
		replaced = silenced(answer.packages, asReal.packages);
	}
	const judged = judgePackages(gate, answer.packages, replaced, context);
	return { ...node, ...conclusion(judged, attestation, engine) };
}

/** Packages that have no `deny` any more once a later module of the same name replaced theirs. */
function silenced(all: readonly PackageAnswer[], left: readonly PackageAnswer[]): ReadonlySet<string> {
	const defined = new Set(left.filter(({ deny }) => deny.kind !== 'undefined').map((answer) => answer.package));
	return new Set(all.map((answer) => answer.package).filter((name) => !defined.has(name)));
}

interface JudgedPackage {
	answer: PackageAnswer;
	/** Denials that count. */
	denials: readonly string[];
	/** What `deny` is in place of a set of texts, '' when it is one. */
	other: string;
	/** By module. */
	traps: ReadonlyMap<string, TrapNode[]>;
	rules: RuleNode[];
}

function judgePackages(
	gate: RegoGate,
	packages: readonly PackageAnswer[],
	replaced: ReadonlySet<string>,
	{ mode }: RegoContext,
): JudgedPackage[] {
	const marks = new Map(gate.sources.map(({ name }, i) => [name, gate.required.rego[i] as PolicyModule]));
	const closed = (name: string): boolean => mode === 'strict' || marks.get(name)?.required === true;
	// One package without a value, and the real engine's query has no row.
	const silent = packages.some(({ package: name, deny }) => deny.kind === 'undefined' || replaced.has(name));
	return packages.map((answer) => {
		const failsClosed = answer.modules.some(closed);
		const counts = !silent || failsClosed;
		const denials = counts && answer.deny.kind === 'reasons' ? answer.deny.reasons : [];
		const other = counts && answer.deny.kind === 'other' ? answer.deny.found : '';
		const traps = new Map<string, TrapNode[]>();
		for (const name of answer.modules) {
			if (!failsClosed) continue;
			const found = packageTraps(answer, silent && denials.length > 0);
			if (denials.length === 0 && closed(name)) {
				// A rule also ends by what it calls in another package; that package's own answer does not tell.
				const isFirst = name === answer.modules.find(closed);
				const isOurs = (module: string) => module === name || (isFirst && !answer.modules.includes(module));
				found.push(...shortfallTraps(answer, isOurs, (module) => marks.get(module)?.required !== false));
			}
			traps.set(name, found);
		}
		const rules = answer.modules.map((name) => ruleNode(name, answer, denials, other, traps.get(name) ?? []));
		return { answer, denials, other, traps, rules };
	});
}

function packageTraps({ package: name, hasDeny, deny }: PackageAnswer, silenced: boolean): TrapNode[] {
	const traps: TrapNode[] = [];
	if (deny.kind === 'undefined')
		traps.push(
			hasDeny
				? {
						code: 'rego-deny-undefined',
						message: `${name}.deny is undefined, which the real engine takes for no denial`,
					}
				: { code: 'rego-no-deny', message: `${name} has no rule deny, which the real engine takes for no denial` },
		);
	if (silenced)
		traps.push({
			code: 'rego-denial-switched-off',
			message: `${name}.deny denies, but a deny of another package is undefined or replaced, and so the real engine counts no denial`,
		});
	return traps;
}

/** `mayNotMiss`: false for a module whose author says that its rules may find fields missing. */
function shortfallTraps(
	{ missing, builtinFailures }: PackageAnswer,
	isOurs: (module: string) => boolean,
	mayNotMiss: (module: string) => boolean,
): TrapNode[] {
	const traps: TrapNode[] = [];
	for (const { path, module, row, count, example } of missing
		.filter((read) => isOurs(read.module) && mayNotMiss(read.module))
		.slice(0, reasonsShownMax))
		traps.push({
			code: 'rego-missing-field',
			message: `${module}:${row}: ${path} is missing (${times(count)}, first ${example}), which ends the rule without a denial`,
		});
	for (const { builtin, module, row, count, reason } of builtinFailures
		.filter((failure) => isOurs(failure.module))
		.slice(0, reasonsShownMax))
		traps.push({
			code: 'rego-builtin-error',
			message: `${module}:${row}: ${builtin} failed (${times(count)}): ${reason}, which ends the rule without a denial`,
		});
	return traps;
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);

function ruleNode(
	name: string,
	answer: PackageAnswer,
	denials: readonly string[],
	other: string,
	traps: TrapNode[],
): RuleNode {
	const accepted = denials.length === 0 && other === '' && traps.length === 0;
	const reason =
		denials.length > 0
			? denied(denials)
			: other !== ''
				? invalidData(answer, other)
				: (traps[0]?.message ?? (answer.deny.kind === 'undefined' ? 'deny is undefined: no denial' : 'no denial'));
	return { name, package: answer.package, accepted, reason, denials: denials.slice(0, denialsMax), traps };
}

const denied = (reasons: readonly string[]): string => {
	const more = reasons.length > reasonsShownMax ? ` and ${reasons.length - reasonsShownMax} more` : '';
	return `policy was denied due to: ${reasons.slice(0, reasonsShownMax).join(', ')}${more}`;
};

const invalidData = (answer: PackageAnswer, found: string): string =>
	`invalid data from rego at ${answer.package}.deny, expected a set of texts but got ${found}`;

function conclusion(
	judged: readonly JudgedPackage[],
	{ ownType }: LoadedAttestation,
	engine: RegoEngine,
): Pick<AttestationNode, 'accepted' | 'reason' | 'rules'> {
	const rules = judged.flatMap((one) => one.rules);
	const denials = judged.flatMap((one) => one.denials);
	if (denials.length > 0) {
		const reason = `rego policy evaluation failed for attestor type ${ownType}: ${denied(denials)}`;
		return { accepted: false, reason, rules };
	}
	const refusing = rules.find((rule) => !rule.accepted);
	if (refusing) return { accepted: false, reason: refusing.reason, rules };
	const blind = engine.tellsMissing ? '' : '; this Rego engine cannot tell missing fields, so they were not looked for';
	return { accepted: true, reason: `no denial${blind}`, rules };
}

function refused(
	node: { type: string; index: number },
	{ sources }: RegoGate,
	reasons: readonly string[],
): AttestationNode {
	const rules = sources.map(({ name }): RuleNode => {
		const own = reasons.filter((reason) => reason.startsWith(`${name}:`));
		const reason = own.length > 0 ? own.slice(0, reasonsShownMax).join('; ') : 'not evaluated';
		return { name, package: '', accepted: false, reason, denials: [], traps: [] };
	});
	return { ...node, accepted: false, reason: reasons.slice(0, reasonsShownMax).join('; '), rules };
}
