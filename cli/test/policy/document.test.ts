import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parsePolicyJson, readDocument } from '../../src/policy/document.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

test('names are taken in any case, as Go takes them', () => {
	const { document, problems } = readDocument({
		Expires: 'then',
		PublicKeys: { a: { KeyID: 'a', key: base64('pem') } },
		steps: {
			build: {
				NAME: 'build',
				attestations: [{ type: 't', regoPolicies: [{ name: 'r', module: base64('package r') }] }],
			},
		},
	});
	assert.deepEqual(problems, []);
	assert.equal(document.expires, 'then');
	assert.equal(document.publickeys[0]?.keyid, 'a');
	assert.deepEqual(document.steps[0]?.attestations[0]?.regopolicies, [
		{ name: 'r', text: 'package r', required: undefined },
	]);
});

test('what is of the wrong kind, and what nobody reads, is said with its place', () => {
	const { problems } = readDocument({
		expires: 5,
		publickeys: [],
		note: 'x',
		steps: {
			build: { name: 'build', attestations: [{ type: 't', regopolicy: [], regopolicies: [{ module: '%%%' }] }] },
		},
	});
	assert.deepEqual(
		problems.map(({ place, message, ignored }) => `${ignored ? 'ignored' : 'wrong'} ${place}: ${message}`),
		[
			'wrong expires: expected a string, found a number',
			'wrong publickeys: expected an object, found an array',
			'wrong steps.build.attestations[0].regopolicies[0].module: expected base64 (standard alphabet, padded)',
			'ignored steps.build.attestations[0].regopolicy: Witness knows no such field',
			'ignored note: Witness knows no such field',
		],
	);
});

test('Rego that is no UTF-8 is a problem, not a replacement', () => {
	const module = Buffer.from([0xff, 0xfe]).toString('base64');
	const { problems } = readDocument({ steps: { s: { attestations: [{ regopolicies: [{ module }] }] } } });
	assert.match(problems[0]?.message ?? '', /UTF-8/);
});

test('no JSON value makes reading throw', () => {
	const shaped = fc.record({
		expires: fc.jsonValue(),
		publickeys: fc.dictionary(fc.string(), fc.jsonValue()),
		roots: fc.jsonValue(),
		steps: fc.dictionary(
			fc.string(),
			fc.oneof(fc.jsonValue(), fc.record({ attestations: fc.array(fc.jsonValue()), functionaries: fc.jsonValue() })),
		),
	});
	fc.assert(
		fc.property(fc.oneof(fc.jsonValue(), shaped), (value) => {
			const { document, problems } = readDocument(value);
			assert.ok(Array.isArray(document.steps) && Array.isArray(problems));
		}),
		{ numRuns: 300 },
	);
});

test('a text that is no JSON object is refused', () => {
	for (const text of ['', '[]', 'null', '{', '"x"']) assert.equal(parsePolicyJson(text).kind, 'invalid', text);
});
