import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { checkFile } from '../../src/policy/check-file.ts';
import { signPolicy } from '../../src/policy/sign-policy.ts';
import { temporaryFolder } from '../run-cli.ts';
import { goodRule, nowMs, sampleKey, samplePolicy } from './sample.ts';

const time = { nowMs, soonDays: 30 };
const key = sampleKey();
const json = Buffer.from(JSON.stringify(samplePolicy(goodRule, key)));
const signed = signPolicy(json, key.privateKey, key.keyid);
const trusted = [{ key: key.publicKey, keyId: key.keyid }];

async function codes(
	t: { after: (hook: () => void) => void },
	bytes: Uint8Array,
	keys: typeof trusted = [],
): Promise<string[]> {
	const file = join(temporaryFolder(t), 'policy');
	writeFileSync(file, bytes);
	return (await checkFile(file, keys, time)).findings.map((finding) => finding.code);
}

suite('signed or not', () => {
	test('JSON and envelope of a policy without a fault', async (t) => {
		assert.deepEqual(await codes(t, json), []);
		assert.deepEqual(await codes(t, signed, trusted), []);
	});
	test('not signed, though a key is given', async (t) => {
		assert.deepEqual(await codes(t, json, trusted), ['signature-wrong']);
	});
	test('signed as something else', async (t) => {
		const other = Buffer.from(signed.toString().replace('witness.testifysec.com/policy', 'example.org/policy'));
		assert.deepEqual(await codes(t, other, trusted), ['payload-type-wrong', 'signature-wrong']);
	});
	test('a payload that is no JSON', async (t) => {
		const broken = signPolicy(Buffer.from('{'), key.privateKey, key.keyid);
		assert.deepEqual(await codes(t, broken), ['policy-unreadable']);
	});
	test('what only the verifier sees: a field twice, in two cases', async (t) => {
		const twice = Buffer.from(json.toString().replace('"expires":', '"Expires":"2030-01-01T00:00:00Z","expires":'));
		assert.deepEqual(await codes(t, twice), ['refused-by-verify']);
	});
});

test('no bytes make the check throw', async (t) => {
	const file = join(temporaryFolder(t), 'policy');
	const edited = fc
		.tuple(fc.constantFrom(json, signed), fc.nat(), fc.nat({ max: 40 }), fc.uint8Array({ maxLength: 40 }))
		.map(([base, at, cut, put]) => {
			const start = at % base.length;
			return Buffer.concat([base.subarray(0, start), put, base.subarray(start + cut)]);
		});
	const rules = fc
		.string({ unit: 'binary-ascii', maxLength: 80 })
		.map((text) => Buffer.from(JSON.stringify(samplePolicy(`package a\n${text}`, key))));
	await fc.assert(
		fc.asyncProperty(fc.oneof(edited, rules, fc.uint8Array({ maxLength: 300 })), async (bytes) => {
			writeFileSync(file, bytes);
			assert.ok(Array.isArray((await checkFile(file, trusted, time)).findings));
		}),
		{ numRuns: 200 },
	);
});
