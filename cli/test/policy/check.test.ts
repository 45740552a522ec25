import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { makeAuthority } from '../../../packages/attest/test/authority.ts';
import { checkDocument } from '../../src/policy/check.ts';
import { readDocument } from '../../src/policy/document.ts';
import type { PolicyFinding } from '../../src/policy/finding.ts';
import { base64, goodRule, nowMs, type SamplePolicy, type SampleStep, sampleKey, samplePolicy } from './sample.ts';

const found = (policy: unknown): PolicyFinding[] =>
	checkDocument(readDocument(policy), new Map(), { nowMs, soonDays: 30 });
const summary = (findings: readonly PolicyFinding[]): string[] =>
	findings.map((f) => `${f.severity} ${f.code} ${f.place}`);

const dayMs = 86_400_000;
const root = await makeAuthority({ notBefore: new Date(nowMs - dayMs), notAfter: new Date(nowMs + 1_000 * dayMs) });
const oldRoot = await makeAuthority({ notBefore: new Date(nowMs - 10 * dayMs), notAfter: new Date(nowMs - dayMs) });

const build = (policy: SamplePolicy): SampleStep => policy.steps['build'] as SampleStep;

/** The build step signed by certificates below `ca`. */
function byCertificate(policy: SamplePolicy, constraint: Record<string, unknown>): void {
	policy.roots = { ca: { certificate: base64(root.pem) } };
	build(policy).functionaries = [{ type: 'root', certConstraint: { commonname: '*', roots: ['ca'], ...constraint } }];
}

const rules = (...modules: string[]): { name: string; module: string }[] =>
	modules.map((module, i) => ({ name: `r${i}`, module: base64(module) }));
const setRules = (policy: SamplePolicy, ...modules: string[]): void => {
	build(policy).attestations[1] = {
		type: 'https://witness.dev/attestations/command-run/v0.1',
		regopolicies: rules(...modules),
	};
};
const rulesAt = 'steps.build.attestations[1].regopolicies';

test('nothing is found in a policy without a fault, by key or by certificate', () => {
	assert.deepEqual(found(samplePolicy()), []);
	const policy = samplePolicy();
	byCertificate(policy, { uris: ['spiffe://ci'], extensions: { issuer: 'https://*' } });
	policy.timestampauthorities = { tsa: { certificate: base64(root.pem) } };
	assert.deepEqual(found(policy), []);
});

suite('each fault is found, alone', () => {
	const other = sampleKey();
	const cases: [string, (policy: SamplePolicy) => void, string[]][] = [
		[
			'expired',
			(p) => {
				p.expires = '2026-11-22T23:59:59Z';
			},
			['error expired expires'],
		],
		[
			'expires soon',
			(p) => {
				p.expires = '2026-12-01T00:00:00Z';
			},
			['warning expires-soon expires'],
		],
		[
			'no expiry',
			(p) => {
				p.expires = '';
			},
			['error expires-unreadable expires'],
		],
		[
			'a key that is none',
			(p) => {
				p.publickeys['x'] = { keyid: 'x', key: base64('no pem') };
			},
			['error key-unusable publickeys.x'],
		],
		[
			'a key under another id',
			(p) => {
				p.publickeys['x'] = { keyid: 'x', key: base64(other.pem) };
			},
			['error key-id-mismatch publickeys.x'],
		],
		[
			'a key that nobody uses',
			(p) => {
				p.publickeys['x'] = { keyid: other.keyid, key: base64(other.pem) };
			},
			['warning key-unused publickeys.x'],
		],
		[
			'a root that nobody uses',
			(p) => {
				p.roots = { r: { certificate: base64(root.pem) } };
			},
			['warning root-unused roots.r'],
		],
		[
			'a certificate that is none',
			(p) => {
				p.timestampauthorities = { t: { certificate: base64('x') } };
			},
			['error certificate-unusable timestampauthorities.t.certificate'],
		],
		[
			'an expired certificate',
			(p) => {
				p.timestampauthorities = { t: { certificate: base64(oldRoot.pem) } };
			},
			['warning certificate-expired timestampauthorities.t.certificate'],
		],
		[
			'no steps',
			(p) => {
				p.steps = {};
			},
			['error steps-none steps', `warning key-unused publickeys.KEY`],
		],
		[
			'a step by two names',
			(p) => {
				build(p).name = 'Build';
			},
			['error step-name-mismatch steps.build.name'],
		],
		[
			'nobody may sign',
			(p) => {
				build(p).functionaries = [];
			},
			['error step-without-functionaries steps.build'],
		],
		[
			'nothing is required',
			(p) => {
				build(p).attestations = [];
			},
			['error step-without-types steps.build'],
		],
		[
			'a key that is not in the policy',
			(p) => {
				build(p).functionaries = [{ type: 'publickey', publickeyid: other.keyid }];
			},
			['error functionary-unknown-key steps.build.functionaries[0]'],
		],
		[
			'a functionary of no kind',
			(p) => {
				const [{ publickeyid = '' } = {}] = build(p).functionaries;
				build(p).functionaries = [{ publickeyid }];
			},
			['warning functionary-kind steps.build.functionaries[0]'],
		],
		[
			'a functionary that is nobody',
			(p) => {
				build(p).functionaries = [{ type: 'publickey' }];
			},
			['error constraint-never-met steps.build.functionaries[0]'],
		],
		[
			'an unknown root',
			(p) => {
				byCertificate(p, { uris: ['u'], roots: ['gone'] });
				delete p.roots;
			},
			['error functionary-unknown-root steps.build.functionaries[0].certConstraint.roots'],
		],
		[
			'any root, and there is none',
			(p) => {
				byCertificate(p, { uris: ['u'], roots: ['*'] });
				delete p.roots;
			},
			['error constraint-never-met steps.build.functionaries[0].certConstraint.roots'],
		],
		[
			'a star among names',
			(p) => byCertificate(p, { emails: ['*', 'a@b'] }),
			['error constraint-never-met steps.build.functionaries[0].certConstraint.emails'],
		],
		[
			'no names at all',
			(p) => byCertificate(p, { commonname: '' }),
			['warning constraint-empty steps.build.functionaries[0].certConstraint'],
		],
		[
			'an extension that is none',
			(p) => {
				byCertificate(p, { extensions: { isuer: 'x' } });
				p.timestampauthorities = { t: { certificate: base64(root.pem) } };
			},
			['error constraint-unknown-extension steps.build.functionaries[0].certConstraint.extensions'],
		],
		[
			'keyless without timestamps',
			(p) => byCertificate(p, { extensions: { issuer: 'x' } }),
			['warning timestamps-missing timestampauthorities'],
		],
		[
			'a type that Witness does not know',
			(p) => {
				build(p).attestations[0] = { type: 'https://witness.dev/attestations/command-run/v0.2' };
			},
			['error type-unknown steps.build.attestations[0].type'],
		],
		[
			'a type twice',
			(p) => {
				build(p).attestations.push({ type: 'https://witness.dev/attestations/material/v0.1' });
			},
			['warning type-repeated steps.build.attestations[2].type'],
		],
		[
			'materials from nowhere',
			(p) => {
				build(p).artifactsFrom = ['gone'];
			},
			['error artifacts-from-unknown-step steps.build.artifactsFrom[0]'],
		],
		[
			'materials in a circle',
			(p) => {
				const { fetch } = p.steps;
				if (fetch) fetch.artifactsFrom = ['build'];
			},
			['error artifacts-from-cycle steps.fetch.artifactsFrom'],
		],
		[
			'Rego that does not parse',
			(p) => setRules(p, 'package a\n\ndeny[msg] {\n\tmsg := "x"\n'),
			[`error rule-unreadable ${rulesAt}[0]:5`],
		],
		[
			'Rego that does not compile',
			(p) => setRules(p, 'package a\n\ndeny[msg] {\n\tmsg := nosuch(1)\n}\n'),
			[`error rule-refused ${rulesAt}[0]:4`],
		],
		[
			'Rego outside the subset',
			(p) => setRules(p, 'package a\ndeny[msg] {\n\tmsg := http.send({"url": "http://x"}).body\n}\n'),
			[`error rule-refused ${rulesAt}[0]:3`],
		],
		['no deny', (p) => setRules(p, 'package a\nallow { true }\n'), [`error rule-without-deny ${rulesAt}[0]`]],
		[
			'a helper that switches denials off',
			(p) => setRules(p, goodRule, 'package helper\nallowed = true\n'),
			[`error rule-switches-off ${rulesAt}[1]`],
		],
		[
			'a deny with one value',
			(p) => setRules(p, 'package a\ndeny = "x" { input.exitcode > 0 }\n'),
			[`warning rule-deny-not-a-set ${rulesAt}[0]:2`],
		],
		[
			'a deny that is a function',
			(p) => setRules(p, 'package a\ndeny(x) = x { x }\n'),
			[`error rule-deny-not-a-set ${rulesAt}[0]:2`],
		],
		[
			'two modules of one name',
			(p) => {
				setRules(p, goodRule, goodRule.replace('rules', 'more'));
				const [, a] = build(p).attestations;
				if (a?.regopolicies?.[1]) a.regopolicies[1].name = 'r0';
			},
			[`error rule-name-repeated ${rulesAt}[1]`],
		],
	];
	for (const [what, spoil, expected] of cases)
		test(what, () => {
			const policy = samplePolicy();
			const [key = ''] = Object.keys(policy.publickeys);
			spoil(policy);
			assert.deepEqual(
				summary(found(policy)),
				expected.map((line) => line.replace('KEY', key)),
			);
		});
});

test('a module in two files of one package denies once', () => {
	const policy = samplePolicy();
	setRules(policy, goodRule, 'package rules\nlimit = 3\n');
	assert.deepEqual(found(policy), []);
});

test('errors come first, and a policy of nonsense does not throw', () => {
	const findings = found({ expires: 1, steps: { a: 5, b: { name: 'b', attestations: [{ type: [] }] } }, extra: true });
	const severities = findings.map((f) => f.severity);
	assert.deepEqual(severities, [...severities].sort());
	assert.ok(findings.length > 5);
});
