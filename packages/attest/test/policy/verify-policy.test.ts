import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PolicyMode, PolicyResult } from '../../src/policy/result.ts';
import type { TrapCode } from '../../src/policy/traps.ts';
import { commandRunType, gitType, inTotoPayloadType, productType, vsaPredicateType } from '../../src/type-uris.ts';
import type { NamedEnvelope } from '../../src/verify-artifact.ts';
import { envelopeOf, type TestKey, testKey, vsa } from '../signing.ts';
import {
	answerOf,
	artifact,
	base64,
	builder,
	collection,
	commandRun,
	fakeEngine,
	type Given,
	git,
	material,
	policyFile,
	policyJson,
	product,
	signed,
	statementText,
	step,
	verify,
} from './maker.ts';

const modes: readonly PolicyMode[] = ['strict', 'witness'];
const good = [commandRun(), product()];
const link = (names: readonly string[], types = [gitType]) =>
	policyFile(policyJson(names.map((name) => step(name, { attestations: types.map((type) => ({ type })) }))));
const commit = (letter: string): string => letter.repeat(40);

const firstCollection = ({ steps }: PolicyResult) => steps[0]?.collections[0];

test('a good build is accepted, and the tree says by what', async () => {
	for (const mode of modes) {
		const result = await verify({}, mode);
		assert.equal(result.accepted, true, result.reason);
		assert.equal(result.policy.accepted, true);
		const node = firstCollection(result);
		assert.deepEqual(node?.matched, { subject: `${productType}/file:app`, digest: artifact, round: 0 });
		assert.equal(node?.functionaries[0]?.accepted, true);
		assert.deepEqual(
			node?.attestations.map(({ type, index, accepted }) => [type, index, accepted]),
			[
				[commandRunType, 0, true],
				[productType, 1, true],
			],
		);
		assert.deepEqual(result.traps, []);
		assert.deepEqual(result.unused, []);
	}
});

test('what both modes reject, with the reason', async () => {
	const stranger = testKey();
	const altered = (): NamedEnvelope => {
		const { name, bytes } = collection(good);
		const envelope = JSON.parse(Buffer.from(bytes).toString()) as { payload: string };
		envelope.payload = base64(statementText([...good, git(commit('a'))]));
		return { name, bytes: Buffer.from(JSON.stringify(envelope)) };
	};
	const cases: [string, Given, RegExp][] = [
		['no subjects', { subjects: [] }, /at least one subject digest/],
		['no attestation', { attestations: [] }, /no collections found for step build/],
		['another artifact', { subjects: ['0'.repeat(64)] }, /no collections found for step build/],
		['a stranger', { attestations: [collection(good, { by: stranger })] }, /no signature verifies/],
		['an altered payload', { attestations: [altered()] }, /no signature verifies/],
		['a missing type', { attestations: [collection([product()])] }, /no collections found/],
		['an expired policy', { at: Date.UTC(2031, 0, 1) }, /policy expired on/],
		['a policy without steps', { policy: policyFile(policyJson([])) }, /no steps/],
		[
			'a step without types',
			{ policy: policyFile(policyJson([step('build', { attestations: [] })])) },
			/declares no required/,
		],
		[
			'no functionary',
			{ policy: policyFile(policyJson([step('build', { functionaries: [] })])) },
			/allowed functionaries/,
		],
		['another name', { attestations: [collection(good, { name: 'test' })] }, /no collections found/],
	];
	for (const [name, given, reason] of cases)
		for (const mode of modes) {
			const result = await verify(given, mode);
			assert.equal(result.accepted, false, name);
			assert.match(result.reason, reason, name);
		}
});

test('attestations that cannot be loaded refuse the run, all named', async () => {
	const unknown = collection([...good, { type: 'https://example.dev/x', attestation: {} }], { file: 'a.json' });
	const broken = { name: 'b.json', bytes: Buffer.from('{"payload":"*"}') };
	const sha512 = collection(
		[{ type: 'https://witness.dev/attestations/material/v0.1', attestation: { a: { sha512: 'b' } } }],
		{
			file: 'c.json',
			by: testKey(),
		},
	);
	for (const mode of modes) {
		const result = await verify({ attestations: [collection(good), unknown, broken, sha512] }, mode);
		assert.equal(result.accepted, false);
		assert.match(result.reason, /a\.json: attestation not found: "https:\/\/example\.dev\/x"/);
		assert.match(result.reason, /b\.json: not a DSSE envelope/);
		assert.match(result.reason, /c\.json: .*unsupported hash function: "sha512"/);
	}
});

test('what strict mode alone rejects, each by its trap', async () => {
	const subject = [{ name: 'anything', digest: { sha256: artifact } }];
	const verdict = (value: unknown) => collection(good, { predicate: { affidavit: value } });
	const twice = {
		name: 'a.json',
		bytes: Buffer.from(Buffer.from(collection(good).bytes).toString().replace('"payload"', '"Payload"')),
	};
	const cases: [string, NamedEnvelope, TrapCode[]][] = [
		['a payload type', collection(good, { payloadType: 'application/json' }), ['foreign-payload-type']],
		['a statement type', collection(good, { statement: { _type: 'x' } }), ['foreign-payload-type']],
		['a predicate type', collection(good, { statement: { predicateType: 'x' } }), ['foreign-predicate-type']],
		['a failed verdict', verdict({ session: 's', verdict: 'failed' }), ['verdict-not-passed']],
		['a verdict that is none', verdict(true), ['verdict-not-passed']],
		['a null verdict', verdict(null), ['verdict-not-passed']],
		['no attestor', collection(good, { subject }), ['subject-without-attestor', 'subject-not-a-product']],
		['a differently-cased field', twice, ['ambiguous-json']],
		[
			'another digest of a product',
			collection([commandRun(), product({ app: 'b'.repeat(64) })], {
				subject: [{ name: `${productType}/file:app`, digest: { sha256: artifact } }],
			}),
			['subject-without-attestor'],
		],
	];
	for (const [name, envelope, traps] of cases) {
		const witness = await verify({ attestations: [envelope] }, 'witness');
		assert.equal(witness.accepted, true, `${name}: ${witness.reason}`);
		assert.deepEqual(witness.traps, [], name);
		const strict = await verify({ attestations: [envelope] }, 'strict');
		assert.equal(strict.accepted, false, name);
		assert.deepEqual([...strict.traps].sort(), [...traps].sort(), `${name}: ${strict.reason}`);
	}
});

test('a passed verdict of ours counts, whatever else its collection says', async () => {
	const passed = collection(good, { predicate: { affidavit: { session: 's', revision: 1, verdict: 'passed' } } });
	assert.equal((await verify({ attestations: [passed] })).accepted, true);
});

test('a passed verdict does not stand beside a signed one of a later revision that is not', async () => {
	const said = (session: string, revision: number, verdict: string) => ({ affidavit: { session, revision, verdict } });
	const passed = collection(good, { predicate: said('s', 2, 'passed') });
	const failed = (session: string, revision: number, by = builder) =>
		collection([commandRun()], {
			name: 'build.failed',
			file: 'later.json',
			predicate: said(session, revision, 'failed'),
			by,
		});
	const summary = (revision: number) => ({
		name: 'vsa.json',
		bytes: envelopeOf(
			vsa([], {
				affidavit_session: 's',
				affidavit_revision: revision,
				affidavit_verdict: 'incomplete',
				verificationResult: 'FAILED',
			}),
			builder,
		),
	});
	const cases: [string, NamedEnvelope, boolean][] = [
		['a later collection', failed('s', 3), false],
		['another word on the same revision', failed('s', 2), false],
		['an earlier collection', failed('s', 1), true],
		['another session', failed('t', 3), true],
		['a stranger', failed('s', 3, testKey()), true],
		['a later summary', summary(3), false],
		['an earlier summary', summary(1), true],
	];
	for (const [name, beside, accepted] of cases) {
		assert.equal((await verify({ attestations: [passed, beside] }, 'witness')).accepted, true, name);
		const strict = await verify({ attestations: [beside, passed] }, 'strict');
		assert.equal(strict.accepted, accepted, `${name}: ${strict.reason}`);
		assert.deepEqual(strict.traps, accepted ? [] : ['verdict-not-passed'], name);
	}
});

test('steps that come from each other in a circle come from nowhere', async () => {
	const build = [material({ 'evil.c': artifact }), ...good];
	const attestations = [collection(build), collection(build, { name: 'fetch' })];
	const from = (name: string, ...artifactsFrom: string[]) => step(name, { artifactsFrom });
	const cases: [Record<string, unknown>[], boolean][] = [
		[[from('build', 'build')], false],
		[[from('build', 'fetch'), from('fetch', 'build')], false],
		[[from('build', 'fetch'), from('fetch')], true],
		[[from('build', 'fetch', 'fetch'), from('fetch')], true],
	];
	for (const [steps, accepted] of cases) {
		const given = { policy: policyFile(policyJson(steps)), attestations };
		assert.equal((await verify(given, 'witness')).accepted, true);
		const strict = await verify(given, 'strict');
		assert.deepEqual([strict.accepted, strict.traps], [accepted, accepted ? [] : ['artifacts-from-unlinked']]);
	}
});

test("strangers' verdicts do not use up what is left to check the one that counts", async () => {
	const said = (verdict: string) => ({ affidavit: { session: 's', revision: 2, verdict } });
	const passed = collection(good, { predicate: said('passed') });
	const failed = (file: string, by: TestKey) =>
		collection([commandRun()], { name: 'build.failed', file, predicate: said('failed'), by });
	const { bytes } = failed('', testKey());
	const envelope = JSON.parse(Buffer.from(bytes).toString('utf8')) as { signatures: { keyid: string; sig: string }[] };
	envelope.signatures = Array.from({ length: 64 }, () => ({ keyid: '', sig: envelope.signatures[0]?.sig ?? '' }));
	const flood = Buffer.from(JSON.stringify(envelope));
	const strangers = Array.from({ length: 600 }, (_, i) => ({ name: `stranger${i}.json`, bytes: flood }));
	const strict = await verify({ attestations: [passed, ...strangers, failed('later.json', builder)] }, 'strict');
	assert.deepEqual([strict.accepted, strict.traps], [false, ['verdict-not-passed']]);
});

test('the commit is a subject, but nothing that was made', async () => {
	const envelope = collection([...good, git(commit('a'))]);
	const given = { attestations: [envelope], subjects: [commit('a')] };
	assert.equal((await verify(given, 'witness')).accepted, true);
	const strict = await verify(given, 'strict');
	assert.deepEqual([strict.accepted, strict.traps], [false, ['subject-not-a-product']]);
});

test('a product in a refused collection does not make another collection its maker', async () => {
	// One collection has the artifact as a product and is refused; the other is accepted for its commit alone.
	const refused = collection([...good, git(commit('a'))], { file: 'refused.json', statement: { predicateType: 'x' } });
	const other = collection([commandRun(), git(commit('a')), product({ lib: 'c'.repeat(64) })], { file: 'other.json' });
	const subjects = [artifact, commit('a')];
	const strict = await verify({ attestations: [refused, other], subjects }, 'strict');
	assert.equal(strict.steps[0]?.accepted, true);
	assert.equal(strict.accepted, false);
	assert.ok(strict.traps.includes('subject-not-a-product'));
});

test('the search follows commits, three rounds deep, and no further', async () => {
	const linked = (names: readonly string[]) =>
		names.map((name, i) =>
			collection(
				[
					git(commit(String(i))),
					...(i > 0 ? [git(commit(String(i - 1)))] : []),
					product(i === names.length - 1 ? undefined : { [name]: commit('f') }),
				],
				{ name },
			),
		);
	for (const mode of modes) {
		const three = ['a', 'b', 'c'];
		const result = await verify({ policy: link(three), attestations: linked(three) }, mode);
		assert.equal(result.accepted, true, result.reason);
		assert.deepEqual(
			result.steps.map(({ collections }) => collections[0]?.matched.round),
			[2, 1, 0],
		);
		const four = ['a', 'b', 'c', 'd'];
		const further = await verify({ policy: link(four), attestations: linked(four) }, mode);
		assert.equal(further.accepted, false);
		assert.match(further.reason, /step a: no collections found/);
	}
});

test('nothing of a collection that was not accepted leads the search on', async () => {
	const fetch = collection([git(commit('a')), product({ src: commit('e') })], { name: 'fetch' });
	const strange = collection([git(commit('a')), product()], { by: testKey(), file: 'strange.json' });
	const own = collection([git(commit('b')), product()], { file: 'own.json' });
	for (const mode of modes) {
		const result = await verify({ policy: link(['fetch', 'build']), attestations: [fetch, strange, own] }, mode);
		assert.equal(result.accepted, false);
		assert.match(result.reason, /step fetch: no collections found/);
	}
});

test('a back reference to nothing links builds in the real engine, and none in strict mode', async () => {
	const policy = link(['fetch', 'build']);
	const attestations = [
		collection([git(''), product({ src: commit('e') })], { name: 'fetch' }),
		collection([git(''), product()]),
	];
	assert.equal((await verify({ policy, attestations }, 'witness')).accepted, true);
	const strict = await verify({ policy, attestations }, 'strict');
	assert.deepEqual([strict.accepted, strict.traps], [false, ['empty-back-reference']]);
	assert.match(strict.reason, /step fetch: no collections found.*is not followed/);
});

test('the verdict does not depend on the order of the files', async () => {
	const files = [
		collection([git(commit('a')), product()], { file: '1' }),
		collection([git(commit('a')), product()], { file: '2', by: testKey() }),
		collection([git(commit('a')), product({ src: commit('e') })], { name: 'fetch', file: '3' }),
		collection([git(commit('b')), product({ src: commit('d') })], { name: 'fetch', file: '4' }),
		collection([commandRun()], { name: 'other', file: '5' }),
	];
	const verdicts = new Set<string>();
	await fc.assert(
		fc.asyncProperty(fc.shuffledSubarray(files, { minLength: 5 }), async (attestations) => {
			const { accepted, reason, steps } = await verify({ policy: link(['fetch', 'build']), attestations });
			const found = steps.map(({ collections }) => collections.map((one) => `${one.envelope} ${one.accepted}`).sort());
			verdicts.add(JSON.stringify([accepted, reason, found]));
		}),
		{ numRuns: 30 },
	);
	assert.equal(verdicts.size, 1, [...verdicts].join('\n'));
});

test('artifacts must flow from step to step', async () => {
	const policy = policyFile(
		policyJson([step('fetch', { attestations: [{ type: productType }] }), step('build', { artifactsFrom: ['fetch'] })]),
	);
	const fetch = (digest: string) =>
		collection([git(commit('a')), product({ 'main.c': digest })], { name: 'fetch', file: `fetch ${digest}` });
	const build = (digest: string) => collection([git(commit('a')), material({ 'main.c': digest }), ...good]);
	const cases: [NamedEnvelope[], boolean, RegExp][] = [
		[[fetch('1'), build('1')], true, /accepted/],
		[[fetch('1'), build('2')], false, /step build: .*failed to verify artifacts: \[mismatched digests for main\.c\]/],
		[[fetch('1'), fetch('2'), build('2')], true, /accepted/],
		[[fetch('1'), collection([git(commit('a')), ...good])], false, /no artifacts in common/],
		[[build('1')], false, /step fetch: no collections/],
	];
	for (const [attestations, accepted, reason] of cases)
		for (const mode of modes) {
			const result = await verify({ policy, attestations }, mode);
			assert.equal(result.accepted, accepted, result.reason);
			assert.match(result.reason, reason);
		}
});

test('a source that is linked to nothing itself is none in strict mode', async () => {
	const types = { attestations: [{ type: productType }] };
	const policy = policyFile(
		policyJson([
			step('fetch', types),
			step('build', { ...types, artifactsFrom: ['fetch'] }),
			step('pack', { ...types, artifactsFrom: ['build'] }),
		]),
	);
	const at = git(commit('a'));
	const attestations = [
		collection([at, product({ src: '1' })], { name: 'fetch' }),
		collection([at, material({ src: '1' }), product({ bin: 'good' })], { name: 'build', file: 'linked' }),
		collection([at, material({ src: 'evil' }), product({ bin: 'evil' })], { name: 'build', file: 'unlinked' }),
		collection([at, material({ bin: 'evil' }), product()], { name: 'pack' }),
	];
	assert.equal((await verify({ policy, attestations }, 'witness')).accepted, true);
	const strict = await verify({ policy, attestations }, 'strict');
	assert.equal(strict.accepted, false);
	assert.deepEqual(strict.traps, ['artifacts-from-unlinked']);
	assert.match(strict.reason, /step pack: .*not linked/);
});

test('a denial rejects its collection; one good collection is enough', async () => {
	const rego = [{ name: 'rule', module: base64('package p') }];
	const policy = policyFile(
		policyJson([step('build', { attestations: [{ type: commandRunType, regopolicies: rego }] })]),
	);
	const engine = fakeEngine(({ input }) => ({
		kind: 'answer',
		packages: [
			answerOf({
				kind: 'reasons',
				reasons: (input as { cmd: string[] }).cmd[0] === 'evil' ? ['Malicious Compiler'] : [],
			}),
		],
	}));
	const evil = collection([commandRun({ cmd: ['evil'] }), product()], { file: 'evil' });
	const both = collection([commandRun({ cmd: ['evil'] }), commandRun(), product()], { file: 'both' });
	for (const mode of modes) {
		const denied = await verify({ policy, rego: engine, attestations: [evil] }, mode);
		assert.equal(denied.accepted, false);
		assert.match(denied.reason, /policy was denied due to: Malicious Compiler/);
		assert.equal((await verify({ policy, rego: engine, attestations: [both] }, mode)).accepted, false);
		const beside = await verify({ policy, rego: engine, attestations: [evil, both, collection(good)] }, mode);
		assert.equal(beside.accepted, true, beside.reason);
	}
});

test('the reason is that of a collection that a functionary signed, whatever strangers put beside it', async () => {
	const strange = collection(good, { by: testKey(), file: 'a-strange.json' });
	const own = collection(good, { statement: { predicateType: 'x' }, file: 'own.json' });
	const result = await verify({ attestations: [strange, own] }, 'strict');
	assert.match(
		result.reason,
		/^step build: own\.json: predicate type "x" is not a collection predicate type \(and 1 more/,
	);
	assert.equal(result.steps[0]?.collections.length, 2);
});

test('our other statements and Sigstore bundles are unused, a collection of no step too', async () => {
	const vsa = {
		_type: 'https://in-toto.io/Statement/v1',
		subject: [],
		predicateType: vsaPredicateType,
		predicate: { name: 5 },
	};
	const bundle = { mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json' };
	const attestations = [
		collection(good),
		{ name: 'vsa.json', bytes: signed(JSON.stringify(vsa), inTotoPayloadType, builder) },
		{ name: 'a.sigstore.json', bytes: Buffer.from(JSON.stringify(bundle)) },
		collection(good, { name: 'other', file: 'other.json' }),
		collection([commandRun(), product({ x: commit('c') })], { file: 'unrelated.json' }),
	];
	for (const mode of modes) {
		const result = await verify({ attestations }, mode);
		assert.equal(result.accepted, true, result.reason);
		assert.deepEqual(
			result.unused.map(({ envelope }) => envelope),
			['vsa.json', 'a.sigstore.json', 'other.json', 'unrelated.json'],
		);
	}
});

test('Rego is asked only of collections that a functionary signed', async () => {
	const rego = [{ name: 'rule', module: base64('package p') }];
	const policy = policyFile(
		policyJson([step('build', { attestations: [{ type: commandRunType, regopolicies: rego }] })]),
	);
	const engine = fakeEngine();
	await verify({ policy, rego: engine, attestations: [collection(good, { by: testKey() })] });
	assert.equal(engine.asked.length, 0);
});
