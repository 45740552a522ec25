import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { keyIdOf, publicKeyPem } from '../../src/keys.ts';
import { parsePolicy } from '../../src/policy/policy.ts';
import { policyItemsMax, readPolicyPayload } from '../../src/policy/policy-payload.ts';
import type { PolicyMode } from '../../src/policy/result.ts';
import { inTotoPayloadType, productType } from '../../src/type-uris.ts';
import { testKey } from '../signing.ts';
import { base64, builder, nowMs, owner, policyFile, policyJson, policyKey, signed, step } from './maker.ts';

const parse = (envelope = policyFile(), mode: PolicyMode = 'strict', at = nowMs) =>
	parsePolicy({ envelope, policyKeys: [{ key: owner.key, keyId: owner.keyId }], mode, nowMs: at });

const reasonOf = (text: string, mode: PolicyMode = 'strict'): string => {
	const parsed = parse(policyFile(text), mode);
	return parsed.kind === 'refused' ? parsed.node.reason : '';
};

test('a policy is read with all that it says', () => {
	const constraint = { commonname: '*', emails: ['a@b'], uris: [], roots: ['*'], extensions: { issuer: 'https://*' } };
	const build = step('build', {
		functionaries: [{ type: 'root', certConstraint: constraint }],
		attestations: [
			{ type: productType, regopolicies: [{ name: 'n', module: base64('package p'), required: true }, { name: 'm' }] },
		],
		artifactsFrom: ['fetch'],
	});
	const parsed = parse(policyFile(policyJson([step('fetch'), build])));
	assert.equal(parsed.kind, 'policy', JSON.stringify(parsed.node));
	if (parsed.kind !== 'policy') return;
	assert.equal(parsed.node.keyId, owner.keyId);
	assert.equal(parsed.node.expires, '2030-01-01T00:00:00Z');
	const [fetch, second] = parsed.policy.steps;
	assert.equal(fetch?.functionaries[0]?.publicKeyId, builder.keyId);
	assert.deepEqual(second?.artifactsFrom, ['fetch']);
	assert.deepEqual(second?.attestations[0]?.rego, [
		{ name: 'n', text: 'package p', required: true },
		{ name: 'm', text: '', required: undefined },
	]);
	const { extensions, ...names } = second?.functionaries[0]?.constraint ?? { extensions: [] };
	assert.deepEqual(names, {
		commonName: '*',
		dnsNames: [],
		emails: ['a@b'],
		organizations: [],
		uris: [],
		roots: ['*'],
	});
	assert.deepEqual(
		extensions.map(({ name, pattern }) => [name, pattern]),
		[['Issuer', 'https://*']],
	);
});

test('a policy that cannot be meant is refused with its field', () => {
	const rego = (module: Record<string, unknown>) =>
		step('build', { attestations: [{ type: productType, regopolicies: [module] }] });
	const cases: [string, RegExp][] = [
		['null', /expires/],
		['[]', /expected an object, found an array/],
		['{', /not a JSON text/],
		[policyJson([], { expires: '2030-01-01' }), /^expires: expected a time/],
		[policyJson([], { expires: 1 }), /^expires: expected a time/],
		[policyJson([], { expires: null }), /policy expired on 0001-01-01/],
		[policyJson([], { expires: '2025-12-31T23:59:59Z' }), /^expires: policy expired on 2025-12-31T23:59:59Z/],
		[
			policyJson([], { publickeys: { x: { keyid: 'other', key: policyKey(builder).key } } }),
			new RegExp(`publickeys\\.x\\.keyid: public key in policy has expected key id "other" but got ${builder.keyId}`),
		],
		[policyJson([], { publickeys: { x: { keyid: 'a', key: base64('no key') } } }), /publickeys\.x\.key/],
		[policyJson([], { publickeys: { x: { keyid: 'a', key: '*' } } }), /publickeys\.x\.key: expected base64/],
		[policyJson([], { roots: { r: { certificate: base64('no') } } }), /roots\.r\.certificate/],
		[policyJson([], { roots: { r: { certificate: policyKey(builder).key } } }), /roots\.r\.certificate/],
		[policyJson([], { timestampauthorities: { t: {} } }), /timestampauthorities\.t\.certificate/],
		[policyJson([{ ...step('build'), name: 'b' }], { steps: { build: step('b') } }), /steps\.build\.name/],
		[
			policyJson([step('build', { artifactsFrom: ['nowhere'] })]),
			/artifactsFrom\[0\]: policy has no step named "nowhere"/,
		],
		[policyJson([step('build', { artifactsFrom: ['__proto__'] })]), /policy has no step named "__proto__"/],
		[policyJson([step('build', { functionaries: 'me' })]), /functionaries: expected an array/],
		[policyJson([rego({ module: base64('x'), required: 'yes' })]), /required: expected true or false, found "yes"/],
		[
			policyJson([step('build', { functionaries: [{ certConstraint: { extensions: { Issuer: '[' } } }] })]),
			/extensions\.Issuer: "\[" is no glob/,
		],
		[
			policyJson([step('build', { artifactsFrom: Array.from({ length: policyItemsMax + 1 }, () => 'build') })]),
			/artifactsFrom: expected at most 1000 entries/,
		],
	];
	for (const [text, reason] of cases) {
		assert.match(reasonOf(text, 'strict'), reason, text.slice(0, 300));
		assert.match(reasonOf(text, 'witness'), reason, text.slice(0, 300));
	}
});

test('every problem of a policy is named', () => {
	const text = policyJson([step('build', { artifactsFrom: ['a', 'b'] })], { roots: { r: { certificate: '' } } });
	const reading = readPolicyPayload(Buffer.from(text), 'strict');
	assert.ok(reading.kind === 'refused');
	assert.deepEqual(
		reading.problems.map(({ field }) => field),
		['roots.r.certificate', 'steps.build.artifactsFrom[0]', 'steps.build.artifactsFrom[1]'],
	);
});

test('an expiry holds to its last millisecond', () => {
	const expiresMs = Date.UTC(2030, 0, 1);
	assert.equal(parse(policyFile(), 'strict', expiresMs).kind, 'policy');
	assert.equal(parse(policyFile(), 'strict', expiresMs + 1).kind, 'refused');
});

test('a policy that a given key did not sign is refused', () => {
	const text = policyJson();
	const altered = policyFile();
	const envelope = JSON.parse(Buffer.from(altered.bytes).toString()) as { payload: string };
	envelope.payload = base64(text.replace('2030', '2031'));
	const files = [
		policyFile(text, testKey()),
		{ name: 'policy.json', bytes: Buffer.from(JSON.stringify(envelope)) },
		{ name: 'policy.json', bytes: Buffer.from(JSON.stringify({ ...envelope, signatures: [] })) },
	];
	for (const mode of ['strict', 'witness'] as const)
		for (const file of files) {
			const parsed = parse(file, mode);
			assert.equal(parsed.kind, 'refused');
			assert.equal(parsed.node.keyId, '');
			assert.match(parsed.node.reason, /signature/);
		}
	const none = parsePolicy({ envelope: policyFile(), policyKeys: [], mode: 'strict', nowMs });
	assert.equal(none.kind, 'refused');
});

test('strict mode refuses what the real engine reads in its own way', () => {
	const foreign = { name: 'policy.json', bytes: signed(policyJson(), inTotoPayloadType, owner) };
	const twice = policyFile(policyJson().replace('{"expires"', '{"expires":"2001-01-01T00:00:00Z","expires"'));
	const cased = policyFile(policyJson().replace('"steps"', '"Steps"'));
	for (const [file, trap] of [
		[foreign, 'foreign-payload-type'],
		[twice, 'ambiguous-json'],
		[cased, 'ambiguous-json'],
	] as const) {
		assert.equal(parse(file, 'witness').kind, 'policy');
		const strict = parse(file, 'strict');
		assert.ok(strict.kind === 'refused');
		assert.deepEqual(
			strict.problems.map((problem) => problem.trap),
			[trap],
		);
	}
});

test('a key that is too short is one for the real engine only', () => {
	const short = [
		generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey,
		generateKeyPairSync('ec', { namedCurve: 'P-224' }).publicKey,
	];
	for (const key of short) {
		const publickeys = { k: { keyid: keyIdOf(key), key: base64(publicKeyPem(key)) } };
		const file = policyFile(policyJson([step()], { publickeys }));
		assert.equal(parse(file, 'witness').kind, 'policy');
		const strict = parse(file, 'strict');
		assert.ok(strict.kind === 'refused');
		assert.deepEqual(
			strict.problems.map(({ field, trap }) => [field, trap]),
			[['publickeys.k.key', 'weak-key']],
		);
	}
	const tiny = generateKeyPairSync('rsa', { modulusLength: 512 }).publicKey;
	const publickeys = { k: { keyid: keyIdOf(tiny), key: base64(publicKeyPem(tiny)) } };
	assert.equal(parse(policyFile(policyJson([step()], { publickeys })), 'witness').kind, 'refused');
});

test('no policy makes it throw', () => {
	fc.assert(
		fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
			assert.match(readPolicyPayload(Buffer.from(JSON.stringify(value)), 'strict').kind, /policy|refused/);
		}),
	);
	const valid = JSON.parse(policyJson()) as Record<string, unknown>;
	const at = fc.constantFrom('expires', 'publickeys', 'roots', 'timestampauthorities', 'steps');
	fc.assert(
		fc.property(at, fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (field, value) => {
			const text = JSON.stringify({ ...valid, [field]: value });
			assert.match(readPolicyPayload(Buffer.from(text), 'witness').kind, /policy|refused/);
		}),
	);
});
