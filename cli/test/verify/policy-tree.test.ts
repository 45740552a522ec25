import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PolicyResult } from '@affidavit/attest/policy/result.ts';
import { policyTree } from '../../src/verify/policy-tree.ts';
import { renderTree } from '../../src/verify/render-tree.ts';

const keyId = 'ab'.repeat(32);
const result: PolicyResult = {
	accepted: false,
	reason: 'step build: no collection was accepted',
	mode: 'strict',
	regoEngine: 'affidavit',
	policy: {
		name: 'policy.json',
		accepted: true,
		reason: 'signed by abab',
		sha256: 'cd'.repeat(32),
		keyId,
		expires: '2030-01-01T00:00:00Z',
	},
	subjects: ['11'.repeat(32)],
	steps: [
		{
			name: 'build',
			accepted: false,
			reason: 'a/collection.dsse.json: rego: policy was denied due to: Malicious Compiler',
			collections: [
				{
					envelope: 'a/collection.dsse.json',
					payloadSha256: 'ee'.repeat(32),
					accepted: false,
					reason: 'rego: policy was denied due to: Malicious Compiler',
					matched: { subject: 'file:bin/app', digest: '11'.repeat(32), round: 1 },
					functionaries: [
						{
							kind: 'publickey',
							expected: keyId,
							keyId,
							certificate: '',
							timestamp: '',
							accepted: true,
							reason: 'it signed',
						},
						{
							kind: 'root',
							expected: 'fulcio',
							keyId,
							certificate: 'CN=ci',
							timestamp: '2026-01-01T00:00:00Z',
							accepted: false,
							reason: 'uri is another one',
						},
					],
					attestations: [
						{
							type: 'https://witness.dev/attestations/command-run/v0.1',
							index: 2,
							accepted: false,
							reason: 'rego: policy was denied due to: Malicious Compiler',
							rules: [
								{
									name: 'compiler',
									package: 'data.trace_demo',
									accepted: false,
									reason: 'policy was denied due to: Malicious Compiler',
									denials: ['Malicious Compiler', 'Another'],
									traps: [{ code: 'rego-missing-field', message: 'compiler:3: input.x is missing' }],
								},
							],
						},
						{
							type: 'https://in-toto.io/attestation/link/v0.3',
							index: -1,
							accepted: false,
							reason: 'missing',
							rules: [],
						},
					],
					artifacts: [
						{
							from: 'fetch',
							accepted: false,
							reason: 'mismatched digests',
							common: 1,
							mismatches: [{ path: 'main.go', material: 'sha256:1', artifact: 'sha256:2' }],
						},
					],
					traps: [{ code: 'verdict-not-passed', message: 'its own verdict is failed' }],
				},
			],
		},
	],
	unused: [{ envelope: 'a/vsa.dsse.json', reason: 'no collection' }],
	traps: ['rego-missing-field', 'verdict-not-passed'],
};

const drawn = (of: PolicyResult): string => renderTree(policyTree(of), { utf8: false, colour: false });

test('every node has its line, with its mark and its reason where no line below says it', () => {
	assert.equal(
		drawn(result),
		`[ok] policy policy.json: signed by abab
|- [NO] step build
|  \`- [NO] collection a/collection.dsse.json
|     |- found by file:bin/app (${'11'.repeat(32)}), in search round 2, through another collection's subjects
|     |- [ok] functionary key abababababababab: it signed
|     |- [NO] functionary certificate below fulcio, signed by CN=ci, at 2026-01-01T00:00:00Z: uri is another one
|     |- [NO] attestation command-run/v0.1 [2]
|     |  \`- [NO] rule compiler (data.trace_demo): policy was denied due to: Malicious Compiler
|     |     |- [NO] denied: Malicious Compiler
|     |     |- [NO] denied: Another
|     |     \`- [NO] trap rego-missing-field: compiler:3: input.x is missing
|     |- [NO] attestation https://in-toto.io/attestation/link/v0.3: missing
|     |- [NO] artifacts from fetch: mismatched digests
|     |  \`- [NO] main.go: read as sha256:1, fetch has sha256:2
|     \`- [NO] trap verdict-not-passed: its own verdict is failed
\`- not used: 1
   \`- a/vsa.dsse.json: no collection
traps: rego-missing-field, verdict-not-passed (docs/verify.md says what each means)
`,
	);
});

test('the way of judging is said where it is not the whole one', () => {
	assert.match(drawn({ ...result, mode: 'witness' }), /judged as Witness judges/);
	assert.match(
		drawn({ ...result, regoEngine: 'opa 1.22.2' }),
		/Rego by opa 1\.22\.2: it cannot tell when a rule ended/,
	);
	assert.doesNotMatch(drawn({ ...result, regoEngine: 'affidavit' }), /cannot tell/);
});
