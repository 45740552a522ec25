// The rules in force: validated, compiled, indexed by fact kind, and pinned by a digest.
import { canonicalJson, sha256Hex } from '@affidavit/model/digests.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { DetectError } from '../core/errors.ts';
import { type Condition, compileCondition, factFields } from './cel.ts';
import { type FactFamily, type FactKind, familyOf } from './fact-kinds.ts';
import { type Rule, ruleSchema } from './rule-schema.ts';
import { parseTemplate, type Template } from './template.ts';

export interface RuleOptions {
	/** In-session edits of sources are high instead of low. */
	strictSources: boolean;
}

export interface CelRule {
	rule: Rule;
	family: FactFamily;
	condition: Condition;
	evidence: Template;
}

export interface RuleSet {
	rules: ReadonlyMap<string, Rule>;
	explain: ReadonlyMap<string, Template>;
	/** CEL rules by the kind of fact that they look at. */
	celByKind: ReadonlyMap<FactKind, readonly CelRule[]>;
	catalogue: Catalogue;
	options: RuleOptions;
	/** Canonical JSON of rules, catalogue and options: all that judging depends on besides facts, indicators and manifest. */
	bytes: Uint8Array;
	/** sha256 of `bytes`, hex. */
	digest: string;
}

/** Rules whose judgement is code in the core; a YAML file for each must be there, and no other may say `engine: code`. */
export const codeRules = {
	compilerRead: 'compiler-read-differs-from-repo',
	swapped: 'source-swapped-and-restored',
	foreignWrite: 'foreign-write-into-workspace',
	noCommit: 'input-in-no-commit',
	incomplete: 'trace-incomplete',
} as const;

/** What the explanation of a code rule can name. */
export const codeNames = [
	'path',
	'reader',
	'readAt',
	'digest',
	'size',
	'expected',
	'expectedSize',
	'commit',
	'holder',
	'writer',
	'wroteAt',
	'origin',
	'why',
	'restored',
	'products',
	'count',
	'reasons',
	'listed',
	'done',
	'later',
];
/** What the templates of a CEL rule can name besides the fields of the fact. */
export const celNames = ['process', 'writer', 'target', 'products', 'attributionNote', 'reason', 'did', 'writtenBy'];

/** `files`: parsed YAML by file name. Throws DetectError('rule-invalid') naming file, field and reason. */
export function createRuleSet(
	files: ReadonlyMap<string, unknown>,
	catalogue: Catalogue,
	options: RuleOptions = { strictSources: false },
): RuleSet {
	const rules = new Map<string, Rule>();
	const explain = new Map<string, Template>();
	const celByKind = new Map<FactKind, CelRule[]>();
	for (const [file, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
		const rule = parseRule(file, content);
		rules.set(rule.id, rule);
		const family = familyOf(rule.on[0] as FactKind);
		const names = rule.engine === 'code' ? codeNames : [...celNames, ...factFields(family)];
		explain.set(rule.id, checkedTemplate(file, 'explain', rule.explain, names));
		if (rule.engine === 'code') continue;
		const compiled = compileCelRule(file, rule, family, names);
		for (const kind of rule.on) celByKind.set(kind, [...(celByKind.get(kind) ?? []), compiled]);
	}
	for (const id of Object.values(codeRules))
		if (rules.get(id)?.engine !== 'code')
			throw new DetectError('rule-invalid', `${id}.yaml: engine: expected a rule of engine code for the judge ${id}`);
	const bytes = Buffer.from(
		canonicalJson({ version: 1, rules: [...rules.values()], catalogue: catalogue.tools, options }),
	);
	return { rules, explain, celByKind, catalogue, options, bytes, digest: sha256Hex(bytes) };
}

function parseRule(file: string, content: unknown): Rule {
	const parsed = ruleSchema.safeParse(content);
	if (!parsed.success) {
		const issue = parsed.error.issues[0];
		throw new DetectError('rule-invalid', `${file}: ${issue?.path.join('.') || 'rule'}: ${issue?.message}`);
	}
	const rule = parsed.data;
	if (file !== `${rule.id}.yaml`)
		throw new DetectError('rule-invalid', `${file}: id: expected the name of the file, not ${rule.id}`);
	const known: readonly string[] = Object.values(codeRules);
	if (rule.engine === 'code' && !known.includes(rule.id))
		throw new DetectError('rule-invalid', `${file}: engine: the core has no judge ${rule.id}; expected cel`);
	return rule;
}

function compileCelRule(file: string, rule: Rule, family: FactFamily, names: readonly string[]): CelRule {
	for (const kind of rule.on)
		if (familyOf(kind) !== family)
			throw new DetectError('rule-invalid', `${file}: on: ${kind} is no ${family} fact; expected kinds of one family`);
	const fields = factFields(family);
	for (const field of rule.subject ?? [])
		if (!fields.includes(field))
			throw new DetectError('rule-invalid', `${file}: subject: ${field}: expected one of ${fields.join(', ')}`);
	const compiled = compileCondition(rule.when as string, family);
	if (compiled.kind === 'error') throw new DetectError('rule-invalid', `${file}: when: ${compiled.message}`);
	return {
		rule,
		family,
		condition: compiled.condition,
		evidence: checkedTemplate(file, 'evidence', rule.evidence as string, names),
	};
}

function checkedTemplate(file: string, field: string, source: string, names: readonly string[]): Template {
	const template = parseTemplate(source);
	for (const name of template.names)
		if (!names.includes(name))
			throw new DetectError('rule-invalid', `${file}: ${field}: {${name}}: expected one of ${names.join(', ')}`);
	return template;
}

/** The same rules with other options: for rule cases and configuration. */
export function withOptions(set: RuleSet, options: RuleOptions): RuleSet {
	const bytes = Buffer.from(
		canonicalJson({ version: 1, rules: [...set.rules.values()], catalogue: set.catalogue.tools, options }),
	);
	return { ...set, options, bytes, digest: sha256Hex(bytes) };
}
