// The demo's published policy: its Rego lacks a brace, it has expired, and its type is of a fork.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { repoRoot, runCli } from '../run-cli.ts';

const golden = join(process.env['AFFIDAVIT_GOLDEN'] ?? join(repoRoot, '../shared/golden'), 'cr-policy-unsigned.json');
const skip = existsSync(golden) ? false : `no ${golden}: set AFFIDAVIT_GOLDEN to the folder that holds it`;

test("the demo's policy is refused, with the line and the reason", { skip }, async () => {
	const run = await runCli(['policy', 'check', golden, '--json']);
	assert.equal(run.code, 1);
	const { form, findings } = JSON.parse(run.stdout);
	assert.equal(form, 'json');
	const codes = findings.map((f: { code: string }) => f.code);
	assert.deepEqual(codes, ['expired', 'type-unknown', 'rule-unreadable', 'functionary-kind']);
	assert.match(findings[2].message, /^Un-authorized compiler:4:\d+: expected \}/);
});
