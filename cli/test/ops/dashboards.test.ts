// What the shipped dashboard and alert rules name must be there: a rule on a metric that nobody writes never fires.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { registerAgentMetrics } from '@affidavit/ingest/agent/cost.ts';
import { createMetrics } from '@affidavit/stream/metrics.ts';
import { parse, stringify } from 'yaml';
import { registerStateMetrics } from '../../src/ops/state-metrics.ts';
import { createWorkMetrics } from '../../src/ops/work-metrics.ts';
import { filesBelow, readRepoFile } from '../docs/repo-files.ts';
import { repoRoot, temporaryFolder } from '../run-cli.ts';

interface Rule {
	alert: string;
	expr: string;
	labels: { severity: string };
	annotations: { summary: string; description: string; runbook: string };
}

const rulesFile = 'compose/prometheus/alerts.yaml';
const rules: Rule[] = (parse(readRepoFile(rulesFile)) as { groups: { rules: Rule[] }[] }).groups.flatMap(
	(g) => g.rules,
);

interface Panel {
	title: string;
	type: string;
	targets?: { expr: string }[];
}
const dashboard = JSON.parse(readRepoFile('compose/grafana/affidavit.json')) as {
	panels: Panel[];
	annotations: { list: { expr?: string }[] };
};

/** Registered by every process, or by an agent. */
function registered(): Set<string> {
	const { registry } = createMetrics({ processMetrics: true });
	createWorkMetrics(registry, '0');
	const nothing = async () => assert.fail('not collected');
	registerStateMetrics(registry, nothing, () => 0);
	registerAgentMetrics(
		registry,
		{
			ingest: () => null,
			lagBytes: async () => null,
			backlog: () => ({ records: 0, bytes: 0 }),
			oldestUnsentMs: async () => -1,
			spoolDiskBytes: async () => 0,
			forward: () => null,
			pacedMs: () => 0,
			spoolBytesMax: 1,
			cpuShareMax: 1,
		},
		{ nowMs: () => 0, monotonicMs: () => 0, cpuMs: () => 0 },
	);
	return new Set(registry.getMetricsAsArray().map(({ name }) => name));
}

/** Internal events become counters when they first happen: their names stand in the sources. */
function internalEvents(): Set<string> {
	const names = new Set<string>();
	for (const folder of ['packages', 'services', 'cli'])
		for (const path of filesBelow(folder, '.ts')) {
			if (!path.includes('/src/')) continue;
			const source = readRepoFile(path);
			for (const [, name] of source.matchAll(/\bname: '([a-z]+(?:_[a-z]+)+)',\n\s*stage\b/g)) names.add(name as string);
			for (const [, name] of source.matchAll(/\bnotice\(\s*[\w.]+,\s*'([a-z_]+)'/g)) names.add(name as string);
			// The runner gives the stage once for several events.
			for (const [, name] of source.matchAll(/\.\.\.common,\n\s*name: '([a-z_]+)'/g)) names.add(name as string);
		}
	return new Set([...names].map((name) => `affidavit_${name}_total`));
}

const known = new Set([...registered(), ...internalEvents()]);

/** Of an expression: names with the prefixes that we and Node use. */
const metricsOf = (expr: string): string[] =>
	[...expr.matchAll(/\b((?:affidavit|process|nodejs)_[a-z0-9_]+)\b/g)].map((match) => match[1] as string);

const isKnown = (name: string): boolean => known.has(name) || known.has(name.replace(/_(bucket|sum|count)$/, ''));

test('the alert rules name metrics that exist, and say what is wrong and where to read on', () => {
	assert.ok(rules.length >= 10);
	assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
	for (const { alert, expr, labels, annotations } of rules) {
		const names = metricsOf(expr);
		assert.ok(names.length > 0 || expr.startsWith('up{'), alert);
		assert.deepEqual(
			names.filter((name) => !isKnown(name)),
			[],
			alert,
		);
		assert.ok(['page', 'ticket'].includes(labels.severity), alert);
		assert.ok(annotations.summary.length > 10 && annotations.description.length > 10, alert);
		assert.equal(annotations.runbook, `docs/operations.md#${alert.toLowerCase()}`);
	}
});

test('the run book has a section for each alert, and none for one that is gone', () => {
	const sections = [...readRepoFile('docs/operations.md').matchAll(/^### (Affidavit\w+)$/gm)].map((match) => match[1]);
	assert.deepEqual(sections.sort(), rules.map(({ alert }) => alert).sort());
});

test('the dashboard names metrics that exist', () => {
	const exprs = [
		...dashboard.panels.flatMap((panel) => (panel.targets ?? []).map(({ expr }) => ({ at: panel.title, expr }))),
		...dashboard.annotations.list.map(({ expr }) => ({ at: 'annotation', expr: expr ?? '' })),
	];
	assert.ok(exprs.length > 30);
	for (const { at, expr } of exprs) {
		assert.ok(metricsOf(expr).length > 0, at);
		assert.deepEqual(
			metricsOf(expr).filter((name) => !isKnown(name)),
			[],
			at,
		);
	}
	for (const { type, title, targets } of dashboard.panels)
		assert.equal((targets ?? []).length > 0, type !== 'row', title);
});

test('the check can fail', () => {
	assert.equal(isKnown('affidavit_no_such_metric'), false);
	assert.equal(isKnown('affidavit_store_rebuilt_total'), true);
	assert.equal(isKnown('affidavit_hosts_silent_total'), true);
	assert.equal(isKnown('affidavit_step_seconds_bucket'), true);
});

test('promtool accepts the rules, and the expressions of the dashboard', (t) => {
	const check = (file: string) => spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
	const run = check(join(repoRoot, rulesFile));
	if (run.error) return t.skip('promtool is not on the PATH');
	assert.equal(run.status, 0, run.stdout + run.stderr);
	const records = dashboard.panels
		.flatMap((panel) => panel.targets ?? [])
		.map(({ expr }, i) => ({
			record: `r${i}`,
			expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$job', '.*'),
		}));
	const file = join(temporaryFolder(t), 'dashboard.yaml');
	writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules: records }] }));
	const panels = check(file);
	assert.equal(panels.status, 0, panels.stdout + panels.stderr);
});
