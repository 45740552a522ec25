import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { filesOf, readSource, witnessPolicy } from '../../src/policy/source.ts';

const whole = `
expires: 2030-01-01T00:00:00Z
publickeys:
  k1: signing.pub.pem
roots:
  fulcio: { certificate: root.pem, intermediates: [middle.pem] }
timestampauthorities:
  tsa:
    certificate: |
      -----BEGIN CERTIFICATE-----
      AAAA
      -----END CERTIFICATE-----
steps:
  build:
    functionaries:
      - { type: publickey, publickeyid: k1 }
      - type: root
        certConstraint: { commonname: "*", roots: [fulcio], extensions: { issuer: "https://i" } }
    attestations:
      - type: t1
        regopolicies:
          - { file: a.rego }
          - { name: inline, module: "package x", required: true }
    artifactsFrom: [fetch]
  fetch:
    functionaries: []
    attestations: []
`;

test('a source becomes Witness JSON, field by field, files put in', () => {
	const read = readSource(whole);
	assert.ok(read.kind === 'source', JSON.stringify(read));
	assert.deepEqual(filesOf(read.source), ['signing.pub.pem', 'root.pem', 'middle.pem', 'a.rego']);
	const files = new Map(filesOf(read.source).map((name) => [name, Buffer.from(`content of ${name}`)]));
	const base64 = (text: string): string => Buffer.from(text).toString('base64');
	const value = JSON.parse(JSON.stringify(witnessPolicy(read.source, files)));
	assert.deepEqual(Object.keys(value.steps), ['build', 'fetch']);
	assert.deepEqual(value.publickeys, { k1: { keyid: 'k1', key: base64('content of signing.pub.pem') } });
	assert.deepEqual(value.roots.fulcio.intermediates, [base64('content of middle.pem')]);
	assert.match(Buffer.from(value.timestampauthorities.tsa.certificate, 'base64').toString(), /^-----BEGIN CERT/);
	assert.deepEqual(value.steps.build, {
		name: 'build',
		functionaries: [
			{ type: 'publickey', publickeyid: 'k1' },
			{ type: 'root', certConstraint: { commonname: '*', roots: ['fulcio'], extensions: { issuer: 'https://i' } } },
		],
		attestations: [
			{
				type: 't1',
				regopolicies: [
					{ name: 'a.rego', module: base64('content of a.rego') },
					{ name: 'inline', module: base64('package x'), required: true },
				],
			},
		],
		artifactsFrom: ['fetch'],
	});
});

suite('a wrong source is refused with its place', () => {
	const cases: [string, string, RegExp, RegExp][] = [
		['no YAML', 'steps: [', /^line 1$/, /./],
		['a field twice', 'expires: a\nexpires: b\nsteps: {}', /^line 2$/, /unique/],
		['a misspelt field', whole.replace('artifactsFrom', 'artifactsfrom'), /^steps\.build$/, /artifactsfrom/],
		[
			'a rule that is nowhere',
			whole.replace('{ file: a.rego }', '{ name: a }'),
			/regopolicies\[0\]$/,
			/either file or module/,
		],
		['a rule without a name', whole.replace('name: inline, ', ''), /regopolicies\[1\]$/, /a name/],
		['a functionary of no kind', whole.replace('type: publickey', 'type: kms'), /functionaries\[0\]\.type$/, /./],
		['no steps', 'expires: 2030-01-01T00:00:00Z', /^steps$/, /./],
		[
			'a name that JavaScript keeps',
			`${whole}  __proto__: { functionaries: [], attestations: [] }\n`,
			/^the file$/,
			/__proto__/,
		],
		['endless nesting', `steps: ${'['.repeat(50_000)}`, /./, /./],
		['a list', '- a', /^the file$/, /./],
	];
	for (const [what, text, place, message] of cases)
		test(what, () => {
			const read = readSource(text);
			assert.ok(read.kind === 'invalid');
			assert.match(read.problems[0]?.place ?? '', place);
			assert.match(read.problems[0]?.message ?? '', message);
		});

	test('aliases that grow without bound', () => {
		const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
		for (let i = 1; i < 12; i++)
			lines.push(
				`a${i}: &a${i} [${Array(10)
					.fill(`*a${i - 1}`)
					.join(', ')}]`,
			);
		const read = readSource(lines.join('\n'));
		assert.equal(read.kind, 'invalid');
	});
});
