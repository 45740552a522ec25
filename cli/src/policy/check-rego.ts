// The Rego of a policy: does it parse, does it compile, can it deny?
import { attestorType } from '@affidavit/attest/policy/attestors/registry.ts';
import type { Shape } from '@affidavit/attest/policy/go-shape.ts';
import { describeProblem } from '@affidavit/rego/errors.ts';
import { compileModules } from '@affidavit/rego/rego.ts';
import type { Module, Rule } from '@affidavit/rego/syntax/ast.ts';
import { parseModule } from '@affidavit/rego/syntax/parse.ts';
import { printable } from '../text/printable.ts';
import { unknownReads } from './check-fields.ts';
import { placeOf } from './check-steps.ts';
import type { PolicyDocument, RegoModule } from './document.ts';
import { error, type PolicyFinding, type Report, warning } from './finding.ts';

/** Witness reads modules as OPA 0.x did; `import rego.v1` works in them. */
const version = 'v0';

/** `ruleFiles`: the file that a module is in, by its place, for messages that an editor can follow. */
export function checkRego(document: PolicyDocument, ruleFiles: ReadonlyMap<string, string>, report: Report): void {
	for (const step of document.steps)
		for (const list of ['attestations', 'traces'] as const)
			for (const [i, { type, regopolicies }] of step[list].entries()) {
				const place = `${placeOf(step)}.${list}[${i}]`;
				const named = regopolicies.map((module, j) => ({
					...module,
					shown: ruleFiles.get(`${place}.regopolicies[${j}]`) ?? module.name,
				}));
				const shape = list === 'attestations' ? attestorType(type)?.shape : undefined;
				checkAttestation(named, shape, place, report);
			}
}

type NamedModule = RegoModule & { shown: string };

/** Problems of one module that are reported. */
const problemsShownMax = 10;

function checkAttestation(
	modules: readonly NamedModule[],
	input: Shape | undefined,
	place: string,
	report: Report,
): void {
	const at = (index: number): string => `${place}.regopolicies[${index}]`;
	const parsed: { module: Module; index: number }[] = [];
	const names = new Set<string>();
	for (const [index, { name, text, shown }] of modules.entries()) {
		if (names.has(name))
			report(
				error(
					'rule-name-repeated',
					at(index),
					`another module above is called ${JSON.stringify(name)}: Witness keeps only the last of them`,
				),
			);
		names.add(name);
		const result = parseModule({ name: shown, text }, { version });
		if (result.kind === 'module') parsed.push({ module: result.module, index });
		else
			for (const problem of result.problems.slice(0, problemsShownMax))
				report(error('rule-unreadable', `${at(index)}:${problem.place.row}`, describeProblem(problem)));
	}
	checkDenials(parsed, at, report);
	if (input !== undefined) checkFields(parsed, input, at, report);
	// What does not parse has been said; the compiler would only say it again.
	if (parsed.length === modules.length) for (const finding of compileFindings(modules, at)) report(finding);
}

function checkFields(
	parsed: readonly { module: Module; index: number }[],
	input: Shape,
	at: (index: number) => string,
	report: Report,
): void {
	for (const { module, index } of parsed)
		for (const { row, path } of unknownReads(module, input).slice(0, problemsShownMax))
			report(
				warning(
					'rule-reads-unknown-field',
					`${at(index)}:${row}`,
					`${module.name}:${row}: ${printable(path)} is never there: Witness passes on the fields that it knows, and no others`,
				),
			);
}

function compileFindings(modules: readonly NamedModule[], at: (index: number) => string): PolicyFinding[] {
	// By position: two modules may have one name.
	const compiled = compileModules(
		modules.map(({ text }, i) => ({ name: String(i), text })),
		{ version },
	);
	if (compiled.kind === 'program') return [];
	return compiled.problems.slice(0, problemsShownMax).map((problem) => {
		const index = Number(problem.place.module);
		const module = modules[index]?.shown ?? problem.place.module;
		const words = describeProblem({ ...problem, place: { ...problem.place, module } });
		const advice = problem.code === 'unsupported' ? '; `--rego-engine opa` may know it' : '';
		return error('rule-refused', `${at(index)}:${problem.place.row}`, `${words}${advice}`);
	});
}

function checkDenials(
	parsed: readonly { module: Module; index: number }[],
	at: (index: number) => string,
	report: Report,
): void {
	const denials = new Map<string, Rule[]>();
	for (const { module } of parsed) {
		const path = packageOf(module);
		denials.set(path, [...(denials.get(path) ?? []), ...module.rules.filter(isDeny)]);
	}
	const someDeny = [...denials.values()].some((rules) => rules.length > 0);
	for (const { module, index } of parsed) {
		const path = packageOf(module);
		const rules = denials.get(path) ?? [];
		if (rules.length === 0 && someDeny)
			report(
				error(
					'rule-switches-off',
					at(index),
					`${path} has no rule deny: Witness asks for all packages at once, so the others' denials do not count; join the packages`,
				),
			);
		else if (rules.length === 0)
			report(error('rule-without-deny', at(index), `${path} has no rule deny: Witness takes that for no denial`));
		for (const rule of module.rules.filter(isDeny)) checkDeny(rule, path, at(index), report);
	}
}

const packageOf = (module: Module): string => ['data', ...module.package].join('.');
const isDeny = (rule: Rule): boolean => rule.head[0].value === 'deny';

function checkDeny(rule: Rule, path: string, place: string, report: Report): void {
	const where = `${place}:${rule.place.row}`;
	if (rule.kind === 'set' && rule.head.length === 1) return;
	if (rule.kind === 'function')
		report(error('rule-deny-not-a-set', where, `${path}.deny is a function: nothing calls it`));
	else if (rule.head.length > 1)
		report(
			error('rule-deny-not-a-set', where, `${path}.deny is an object, expected a set of strings: deny[msg] { … }`),
		);
	else if (!rule.default)
		report(
			warning(
				'rule-deny-not-a-set',
				where,
				`${path}.deny has one value, which is undefined where its body fails; write deny[msg] { … }`,
			),
		);
}
