// The `deny` of each package, in the shape that the policy engine asks for (@affidavit/attest's policy/rego-engine.ts).
import type { Problem } from '../errors.ts';
import type { Module, Rule } from '../syntax/ast.ts';
import { isArray, isSet, typeName, type Value } from '../value/value.ts';
import type { Shortfall } from './misses.ts';

export interface Document {
	/** undefined where no rule gives one. */
	value: Value | undefined;
	shortfalls: Shortfall[];
}

export type RegoAnswer = { kind: 'answer'; packages: PackageAnswer[] } | { kind: 'refused'; reasons: string[] };

export type DenyValue =
	| { kind: 'undefined' }
	| { kind: 'reasons'; reasons: string[] }
	| { kind: 'other'; found: string };

export interface PackageAnswer {
	/** data.<path> */
	package: string;
	modules: string[];
	hasDeny: boolean;
	deny: DenyValue;
	missing: { path: string; module: string; row: number; count: number; example: string }[];
	builtinFailures: { builtin: string; module: string; row: number; count: number; reason: string }[];
}

export interface Package {
	name: string;
	path: readonly string[];
	modules: readonly Module[];
}

/** In the order in which they first appear. */
export function packagesOf(modules: readonly Module[]): Package[] {
	const packages = new Map<string, { name: string; path: readonly string[]; modules: Module[] }>();
	for (const module of modules) {
		const name = packageName(module.package);
		const known = packages.get(name);
		if (known === undefined) packages.set(name, { name, path: module.package, modules: [module] });
		else known.modules.push(module);
	}
	return [...packages.values()];
}

const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;

const packageName = (path: readonly string[]): string =>
	`data${path.map((part) => (identifier.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`)).join('')}`;

export function packageAnswer({ name, modules }: Package, { value, shortfalls }: Document): PackageAnswer {
	const answer: PackageAnswer = {
		package: name,
		modules: modules.map((module) => module.name),
		hasDeny: modules.some(definesDeny),
		deny: denyValue(value),
		missing: [],
		builtinFailures: [],
	};
	for (const { kind, subject, example, module, row, count } of shortfalls) {
		if (kind === 'read') answer.missing.push({ path: subject, module, row, count, example });
		else answer.builtinFailures.push({ builtin: subject, module, row, count, reason: example });
	}
	return answer;
}

const definesDeny = ({ rules }: Module): boolean => rules.some(isDeny);

const isDeny = ({ head }: Rule): boolean => head[0].kind === 'constant' && head[0].value === 'deny';

/** A `deny` that takes arguments is no document that can be asked for: OPA refuses to. Null where there is none. */
export function denyFunction(packages: readonly Package[]): Problem | null {
	for (const { name, modules } of packages)
		for (const { rules } of modules)
			for (const rule of rules)
				if (rule.kind === 'function' && isDeny(rule))
					return { code: 'compile', message: `function ${name}.deny used as reference, not called`, place: rule.place };
	return null;
}

function denyValue(value: Value | undefined): DenyValue {
	if (value === undefined) return { kind: 'undefined' };
	if (!isSet(value) && !isArray(value)) return { kind: 'other', found: withArticle(value) };
	const reasons: string[] = [];
	for (const reason of isSet(value) ? value.items() : value) {
		if (typeof reason === 'string') reasons.push(reason);
		else return { kind: 'other', found: `${withArticle(value)} with ${withArticle(reason)}` };
	}
	return { kind: 'reasons', reasons };
}

function withArticle(value: Value): string {
	const name = typeName(value);
	if (value === null) return name;
	return /^[ao]/.test(name) ? `an ${name}` : `a ${name}`;
}

/** UTF-16 units of all reasons. */
export function reasonsSize(answers: readonly PackageAnswer[]): number {
	let size = 0;
	for (const { deny } of answers) if (deny.kind === 'reasons') for (const reason of deny.reasons) size += reason.length;
	return size;
}
