import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { RegoAnswer, RegoEngine } from '@affidavit/attest/policy/rego-engine.ts';
import { runtimeTracePredicateType } from '@affidavit/attest/type-uris.ts';
import { signForNow } from '../../src/policy/sign-policy.ts';
import { askPolicy } from '../../src/verify/ask-policy.ts';
import { base64, nowMs, type SamplePolicy, sampleKey, samplePolicy } from '../policy/sample.ts';
import { session, signedBuild, signedTrace } from './collections.ts';

/** Denies each connection of its input, and nothing else: what is under test is which input it is asked about. */
let evaluations = 0;
const engine: RegoEngine = {
	name: 'fake',
	tellsMissing: true,
	evaluate: async ({ input, modules }): Promise<RegoAnswer> => {
		if ('connections' in (input as object)) evaluations++;
		const { connections = [] } = input as { connections?: { address: string }[] };
		return {
			kind: 'answer',
			packages: [
				{
					package: 'data.egress',
					modules: modules.map((m) => m.name),
					hasDeny: true,
					deny: { kind: 'reasons', reasons: connections.map((c) => c.address) },
					missing: [],
					builtinFailures: [],
				},
			],
		};
	},
};

const key = sampleKey();
const stranger = sampleKey();
const product = 'ab'.repeat(32);

const rule = (type: string = runtimeTracePredicateType) => ({
	type,
	regopolicies: [{ name: 'egress', module: base64('package egress') }],
});

function policyBytes(rules: Record<string, unknown>): ReturnType<typeof signForNow> {
	const policy: SamplePolicy = samplePolicy(undefined, key);
	delete policy.steps['fetch'];
	const build = { ...policy.steps['build'], ...rules };
	delete build.artifactsFrom;
	return signForNow(Buffer.from(JSON.stringify({ ...policy, steps: { build } })));
}

async function ask(
	attestations: Record<string, Buffer>,
	mode: 'strict' | 'witness' = 'strict',
	rules: Record<string, unknown> = { traces: [rule()] },
) {
	const signed = policyBytes(rules);
	return askPolicy({
		policy: { name: 'policy', bytes: signed.bytes },
		policyKeys: [signed.key],
		subjects: [product],
		attestations: Object.entries(attestations).map(([name, bytes]) => ({ name, bytes })),
		mode,
		nowMs,
		rego: engine,
	});
}

const build = signedBuild(key.privateKey, { product });
const quiet = { connections: [] };
const loud = { connections: [{ address: '10.0.0.1' }] };

test('accepted with a trace that no rule denies; the tree shows the rule', async () => {
	const result = await ask({ build, trace: signedTrace(key.privateKey, quiet) });
	assert.equal(result.accepted, true, result.reason);
	const node = result.steps[0]?.collections[0]?.attestations.at(-1);
	assert.equal(node?.type, runtimeTracePredicateType);
	assert.equal(node?.rules[0]?.name, 'egress');
	assert.deepEqual(result.unused, [], 'what was judged was used');
});

suite('refused', () => {
	const cases: [string, Record<string, Buffer>, RegExp][] = [
		['denied', { build, trace: signedTrace(key.privateKey, loud) }, /denied due to: 10\.0\.0\.1/],
		['no trace', { build }, /no runtime-trace of session 5e5e/],
		['a trace signed by another', { build, trace: signedTrace(stranger.privateKey, quiet) }, /no runtime-trace/],
		[
			'of another session',
			{ build, trace: signedTrace(key.privateKey, { ...quiet, session: 'aa'.repeat(32) }) },
			/no runtime-trace/,
		],
		[
			'of another revision',
			{ build, trace: signedTrace(key.privateKey, { ...quiet, revision: 2 }) },
			/no runtime-trace/,
		],
		[
			'a collection without a session',
			{ build: signedBuild(key.privateKey, { product, affidavit: null }), trace: signedTrace(key.privateKey, quiet) },
			/names no session/,
		],
		[
			'a second build of the step without a trace',
			{
				build,
				trace: signedTrace(key.privateKey, quiet),
				other: signedBuild(key.privateKey, {
					product,
					affidavit: { session: 'bb'.repeat(32), revision: 1, verdict: 'passed' },
				}),
			},
			/^step build: other: no runtime-trace of session bbbb/,
		],
	];
	for (const [what, attestations, reason] of cases)
		test(what, async () => {
			const result = await ask(attestations);
			assert.equal(result.accepted, false);
			assert.match(result.reason, reason);
		});

	test('a statement of another type', async () => {
		const result = await ask({ build, trace: signedTrace(key.privateKey, quiet) }, 'strict', {
			traces: [rule('https://example.org/other')],
		});
		assert.equal(result.accepted, false);
		assert.match(result.reason, /expected https:\/\/affidavit\.dev\/attestations\/runtime-trace/);
	});
});

test('rules on traces do not vanish when they are written wrongly', async () => {
	const attestations = { build, trace: signedTrace(key.privateKey, loud) };
	const wrong: Record<string, unknown>[] = [
		{ traces: rule() },
		{ traces: 'all' },
		{ traces: [{ ...rule(), regopolicies: rule().regopolicies[0] }] },
		{ traces: [{ type: runtimeTracePredicateType, regopolicy: [] }] },
		{ traces: [rule()], Traces: [] },
		{ Traces: [rule()] },
	];
	for (const rules of wrong) {
		const { accepted, reason } = await ask(attestations, 'strict', rules);
		assert.equal(accepted, false, JSON.stringify(rules));
		assert.match(reason, /^policy: /);
	}
});

test('a good trace does not hide an evil one of the same session', async () => {
	const traces = { good: signedTrace(key.privateKey, quiet), evil: signedTrace(key.privateKey, loud) };
	assert.equal((await ask({ build, ...traces })).accepted, false);
	assert.equal((await ask({ build, good: traces.good, evil: signedTrace(stranger.privateKey, loud) })).accepted, true);
});

test('each of two collections of one name is held to its own trace', async () => {
	const other = 'bb'.repeat(32);
	const evil = signedBuild(key.privateKey, { product, affidavit: { session: other, revision: 1, verdict: 'passed' } });
	const signed = policyBytes({ traces: [rule()] });
	for (const pair of [
		[evil, build],
		[build, evil],
	]) {
		const attestations = pair.map((bytes) => ({ name: 'same', bytes }));
		const question = { policy: { name: 'policy', bytes: signed.bytes }, policyKeys: [signed.key], nowMs, rego: engine };
		const result = await askPolicy({
			...question,
			subjects: [product],
			attestations: [...attestations, { name: 'trace', bytes: signedTrace(key.privateKey, quiet) }],
			mode: 'strict',
		});
		assert.equal(result.accepted, false);
	}
});

test('Witness does not look at it, and so neither does --compat witness', async () => {
	assert.equal((await ask({ build }, 'witness')).accepted, true);
});

test('what the policy refuses stays refused, with its own reason', async () => {
	const failed = signedBuild(key.privateKey, { product, affidavit: { session, revision: 1, verdict: 'failed' } });
	const result = await ask({ failed, trace: signedTrace(key.privateKey, quiet) });
	assert.equal(result.accepted, false);
	assert.deepEqual(result.traps, ['verdict-not-passed']);
});

test('a trace is judged once, however often its collection is given', async () => {
	evaluations = 0;
	const copies = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`build${i}`, build]));
	const result = await ask({ ...copies, trace: signedTrace(key.privateKey, quiet) });
	assert.equal(result.accepted, true, result.reason);
	assert.equal(evaluations, 1);
	evaluations = 0;
	const trace = signedTrace(key.privateKey, quiet);
	assert.equal(
		(await ask({ build, ...Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`${i}`, trace])) })).accepted,
		true,
	);
	assert.equal(evaluations, 1);
});
