// How many of the published cases pass, per category; the table of docs/rego.md and the floor that a regression falls below.
import type { PublishedCase } from './published-cases.ts';
import { type Outcome, runCase } from './run-case.ts';

export interface CategoryScore {
	cases: number;
	passed: number;
	refused: number;
	failed: number;
}

export interface Score {
	/** By `v0/arithmetic`. */
	categories: Map<string, CategoryScore>;
	failures: { name: string; reason: string }[];
	/** Reason to number of cases. */
	refusals: Map<string, number>;
}

export function scoreCases(
	cases: readonly PublishedCase[],
	run: (published: PublishedCase) => Outcome = runCase,
): Score {
	const score: Score = { categories: new Map(), failures: [], refusals: new Map() };
	for (const published of cases) {
		const name = `${published.version}/${published.category}`;
		const category = score.categories.get(name) ?? { cases: 0, passed: 0, refused: 0, failed: 0 };
		score.categories.set(name, category);
		const outcome = outcomeOf(published, run);
		category.cases++;
		category[outcome.kind]++;
		if (outcome.kind === 'failed') score.failures.push({ name: `${name} ${published.note}`, reason: outcome.reason });
		if (outcome.kind === 'refused') score.refusals.set(outcome.reason, (score.refusals.get(outcome.reason) ?? 0) + 1);
	}
	return score;
}

/** A bug of ours that throws fails its case and not the run. */
function outcomeOf(published: PublishedCase, run: (published: PublishedCase) => Outcome): Outcome {
	try {
		return run(published);
	} catch (cause) {
		return { kind: 'failed', reason: `threw ${String(cause)}` };
	}
}

const empty: CategoryScore = { cases: 0, passed: 0, refused: 0, failed: 0 };

const added = (a: CategoryScore, b: CategoryScore): CategoryScore => ({
	cases: a.cases + b.cases,
	passed: a.passed + b.passed,
	refused: a.refused + b.refused,
	failed: a.failed + b.failed,
});

export const totals = (score: Score): CategoryScore => [...score.categories.values()].reduce(added, empty);

/** Category to the number of cases that must pass. */
export type Floor = Record<string, { passed: number; cases: number }>;

export const floorOf = (score: Score): Floor =>
	Object.fromEntries([...score.categories].map(([name, { passed, cases }]) => [name, { passed, cases }]));

/** What got worse, as sentences. */
export function regressions(score: Score, floor: Floor): string[] {
	const found: string[] = [];
	for (const [name, { passed, cases }] of Object.entries(floor)) {
		const now = score.categories.get(name);
		if (now === undefined) found.push(`${name}: the category is gone`);
		else if (now.cases !== cases) found.push(`${name}: ${now.cases} cases, expected ${cases}`);
		else if (now.passed < passed) found.push(`${name}: ${now.passed} of ${cases} pass, expected ${passed}`);
	}
	for (const name of score.categories.keys()) if (floor[name] === undefined) found.push(`${name}: the category is new`);
	return found;
}

/** One row for a category of both versions. */
export function markdownTable(score: Score): string {
	const rows = new Map<string, CategoryScore>();
	for (const [name, category] of score.categories) {
		const both = name.slice(name.indexOf('/') + 1);
		rows.set(both, added(rows.get(both) ?? empty, category));
	}
	const row = (name: string, { cases, passed, refused, failed }: CategoryScore): string =>
		`| ${name} | ${cases} | ${passed} | ${refused} | ${failed} |`;
	const names = [...rows.keys()].sort();
	return [
		'| category | cases | passed | refused by name | failed |',
		'| --- | ---: | ---: | ---: | ---: |',
		row('**all**', totals(score)),
		...names.map((name) => row(name, rows.get(name) as CategoryScore)),
	].join('\n');
}
