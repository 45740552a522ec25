// Every shipped rule is run against its own cases: true positives and true negatives.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { caseDigest, runCase } from '../../src/rules/cases.ts';
import { loadRuleSet, shippedRules } from '../../src/rules/load.ts';

const rules = loadRuleSet();

for (const rule of rules.rules.values()) {
	describe(rule.id, () => {
		for (const one of rule.cases) {
			it(one.name, async () => {
				const found = await runCase(rules, rule.id, one);
				const brief = found.map((f) => `${f.severity} ${f.path} ${f.digest} ${f.explanation}`).join('\n');
				assert.equal(found.length, one.then.length, `expected ${one.then.length} findings, got:\n${brief}`);
				for (const [i, expected] of one.then.entries()) {
					const finding = found[i];
					assert.ok(finding);
					assert.equal(finding.severity, expected.severity, brief);
					if (expected.path !== undefined) assert.equal(finding.path, expected.path);
					if (expected.digest !== undefined) assert.equal(finding.digest, caseDigest(expected.digest));
					if (expected.attribution !== undefined) assert.equal(finding.attribution, expected.attribution);
					if (expected.writer !== undefined) assert.equal(finding.writer?.execId, expected.writer);
					assert.notEqual(finding.explanation, '');
					assert.ok(!/[{}]/.test(finding.explanation), finding.explanation);
					assert.ok(finding.evidence.length > 0);
				}
			});
		}
		it('has a page that says what to do', () => {
			const page = new URL(`${rule.id}.md`, shippedRules);
			assert.ok(existsSync(page), `rules/${rule.id}.md is missing`);
			const text = readFileSync(page, 'utf8');
			for (const heading of ['## What it means', '## What to do now', '## Known false positives'])
				assert.ok(text.includes(heading), `${rule.id}.md lacks "${heading}"`);
		});
	});
}
