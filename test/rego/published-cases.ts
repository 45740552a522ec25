// OPA's published cases, from the module that the Go client fetches. They are other people's: read where they lie, never copied.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { integer, type Value } from '@affidavit/rego/value/value.ts';
import { parse } from 'yaml';
import { opaVersion } from '../interop/opa.ts';

export type Version = 'v0' | 'v1';

export interface PublishedCase {
	version: Version;
	category: string;
	note: string;
	query: string;
	modules: string[];
	data: Value | null;
	input: Value | undefined;
	/** Rego term instead of `input`. */
	inputTerm: string | null;
	/** Bindings of each result; null where an error is wanted. */
	wantResult: Record<string, Value>[] | null;
	/** eval_builtin_error, eval_type_error, eval_conflict_error; `any` where the case only has the error's wording, which is not compared. */
	wantErrorCode: string | null;
	strictError: boolean;
	sortBindings: boolean;
	ignoreGeneratedVars: boolean;
}

export type PublishedCases = { kind: 'cases'; cases: PublishedCase[] } | { kind: 'absent'; reason: string };

const downloadTimeoutMs = 5 * 60 * 1000;

export function loadPublishedCases(): PublishedCases {
	const { status, stdout, stderr } = spawnSync(
		'go',
		['mod', 'download', '-json', `github.com/open-policy-agent/opa@${opaVersion}`],
		{ encoding: 'utf8', timeout: downloadTimeoutMs },
	);
	if (status === null || stdout === null) return { kind: 'absent', reason: 'there is no Go client to fetch them' };
	if (status !== 0) return { kind: 'absent', reason: `the Go client cannot fetch OPA ${opaVersion}: ${stderr.trim()}` };
	const { Dir } = JSON.parse(stdout) as { Dir: string };
	const folder = join(Dir, 'v1/test/cases/testdata');
	return { kind: 'cases', cases: [...casesBelow(folder, 'v0'), ...casesBelow(folder, 'v1')] };
}

function casesBelow(folder: string, version: Version): PublishedCase[] {
	const found: PublishedCase[] = [];
	for (const category of readdirSync(join(folder, version)).sort()) {
		for (const file of readdirSync(join(folder, version, category)).sort()) {
			if (!file.endsWith('.yaml')) continue;
			const text = readFileSync(join(folder, version, category, file), 'utf8');
			const { cases } = parse(text, { intAsBigInt: true, maxAliasCount: -1 }) as { cases: RawCase[] };
			for (const raw of cases) found.push(caseOf(raw, version, category));
		}
	}
	return found;
}

interface RawCase {
	note: string;
	query: string;
	modules?: string[];
	data?: unknown;
	input?: unknown;
	input_term?: string;
	want_result?: Record<string, unknown>[];
	want_error_code?: string;
	want_error?: string;
	strict_error?: boolean;
	sort_bindings?: boolean;
	ignore_generated_vars?: boolean;
}

const caseOf = (raw: RawCase, version: Version, category: string): PublishedCase => ({
	version,
	category,
	note: raw.note,
	query: raw.query,
	modules: raw.modules ?? [],
	data: raw.data === undefined ? null : toValue(raw.data),
	input: raw.input === undefined ? undefined : toValue(raw.input),
	inputTerm: raw.input_term ?? null,
	wantResult:
		raw.want_result === undefined ? null : raw.want_result.map((row) => toValue(row) as Record<string, Value>),
	wantErrorCode: raw.want_error_code ?? (raw.want_error === undefined ? null : 'any'),
	strictError: raw.strict_error ?? false,
	sortBindings: raw.sort_bindings ?? false,
	ignoreGeneratedVars: raw.ignore_generated_vars ?? false,
});

/** YAML's integers as Rego's numbers; the rest is JSON as it stands. */
function toValue(raw: unknown): Value {
	if (typeof raw === 'bigint') return integer(raw);
	if (Array.isArray(raw)) return raw.map(toValue);
	if (typeof raw === 'object' && raw !== null) {
		return Object.fromEntries(Object.entries(raw).map(([key, value]) => [key, toValue(value)]));
	}
	return raw as Value;
}
