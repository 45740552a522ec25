// Nothing that was not signed is ever accepted, and nothing makes a verification throw.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { Inputs } from '../../interop/policy-matrix/case.ts';
import type { EnvelopeFields } from '../../interop/policy-matrix/maker.ts';
import { askOurs } from '../../interop/policy-matrix/ours.ts';
import type { ByteChange, JsonChange } from './changes.ts';
import { byteChange, changeBytes, changeJson, jsonChange } from './changes.ts';
import type { Ground } from './ground.ts';
import { ground } from './ground.ts';
import { parameters, secondsMax } from './options.ts';
import { wrongAcceptance } from './oracle.ts';

/** Which file is changed: the policy, or one of the attestations by a fraction of their number. */
type Target = 'policy' | number;
const target: fc.Arbitrary<Target> = fc.oneof(
	{ weight: 1, arbitrary: fc.constant('policy' as const) },
	{ weight: 3, arbitrary: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }) },
);

function withChanged(
	inputs: Inputs,
	target: Target,
	change: (bytes: Uint8Array, other: Uint8Array) => Uint8Array,
): Inputs {
	const files = inputs.attestations;
	if (target === 'policy') return { ...inputs, policy: change(inputs.policy, files[0]?.bytes ?? inputs.policy) };
	const at = Math.floor(target * files.length);
	const other = files[(at + 1) % files.length]?.bytes ?? inputs.policy;
	return { ...inputs, attestations: files.map((f, i) => (i === at ? { ...f, bytes: change(f.bytes, other) } : f)) };
}

/** The payload changed, the signature left as it was. */
function withPayload(bytes: Uint8Array, change: (payload: Buffer) => Buffer): Buffer {
	const envelope = JSON.parse(Buffer.from(bytes).toString()) as EnvelopeFields;
	const payload = change(Buffer.from(envelope.payload, 'base64'));
	return Buffer.from(JSON.stringify({ ...envelope, payload: payload.toString('base64') }));
}

async function mustHold(given: Inputs, from: Ground): Promise<void> {
	for (const mode of ['strict', 'witness'] as const) {
		const began = performance.now();
		const result = await askOurs(given, mode, from.maker.nowMs);
		assert.ok(performance.now() - began < secondsMax * 1000, `${mode}: over ${secondsMax} s`);
		assert.equal(wrongAcceptance(result, given, from), null, mode);
	}
}

const changes = {
	bytes: (c: readonly ByteChange[]) => (bytes: Uint8Array, other: Uint8Array) => changeBytes(bytes, c, other),
	json: (c: readonly JsonChange[]) => (bytes: Uint8Array) =>
		Buffer.from(JSON.stringify(changeJson(JSON.parse(Buffer.from(bytes).toString()), c)) ?? ''),
	payloadBytes: (c: readonly ByteChange[]) => (bytes: Uint8Array, other: Uint8Array) =>
		withPayload(bytes, (payload) => changeBytes(payload, c, other)),
	payloadJson: (c: readonly JsonChange[]) => (bytes: Uint8Array) =>
		withPayload(bytes, (payload) => Buffer.from(JSON.stringify(changeJson(JSON.parse(payload.toString()), c)) ?? '')),
};

const someBytes = fc.array(byteChange, { minLength: 1, maxLength: 4 });
const someJson = fc.array(jsonChange, { minLength: 1, maxLength: 4 });

suite('no change of what was signed is accepted', async () => {
	const good = await ground('good');
	const bad = await ground('bad');

	test('the ground is accepted, and the oracle agrees', async () => {
		for (const mode of ['strict', 'witness'] as const) {
			const accepted = await askOurs(good.inputs, mode, good.maker.nowMs);
			assert.ok(accepted.accepted, accepted.reason);
			assert.equal(wrongAcceptance(accepted, good.inputs, good), null);
			assert.equal((await askOurs(bad.inputs, mode, bad.maker.nowMs)).accepted, false);
			// The oracle can say no.
			assert.notEqual(wrongAcceptance(accepted, bad.inputs, bad), null);
		}
	});

	for (const from of [good, bad])
		for (const what of ['bytes', 'payloadBytes'] as const)
			test(`${what} of the ${from === good ? 'good' : 'bad'} files`, () =>
				fc.assert(
					fc.asyncProperty(target, someBytes, (where, c) =>
						mustHold(withChanged(from.inputs, where, changes[what](c)), from),
					),
					parameters,
				));
	for (const from of [good, bad])
		for (const what of ['json', 'payloadJson'] as const)
			test(`${what} of the ${from === good ? 'good' : 'bad'} files`, () =>
				fc.assert(
					fc.asyncProperty(target, someJson, (where, c) =>
						mustHold(withChanged(from.inputs, where, changes[what](c)), from),
					),
					parameters,
				));

	test('signatures and payloads of different files put together', () =>
		fc.assert(
			fc.asyncProperty(fc.nat(3), fc.nat(3), fc.constantFrom('payload', 'signatures', 'payloadType'), (a, b, field) => {
				const parsed = bad.inputs.attestations.map(
					(f) => JSON.parse(Buffer.from(f.bytes).toString()) as EnvelopeFields,
				);
				const mixed = { ...parsed[a], [field]: parsed[b]?.[field] };
				const attestations = bad.inputs.attestations.map((f, i) =>
					i === a ? { ...f, bytes: Buffer.from(JSON.stringify(mixed)) } : f,
				);
				return mustHold({ ...bad.inputs, attestations }, bad);
			}),
			{ ...parameters, numRuns: 48 },
		));

	test('random bytes and random JSON in place of any file', () =>
		fc.assert(
			fc.asyncProperty(
				target,
				fc.oneof(
					fc.uint8Array({ maxLength: 400 }).map((b) => Buffer.from(b)),
					fc.json({ maxDepth: 4 }).map((t) => Buffer.from(t)),
				),
				(where, bytes) =>
					mustHold(
						withChanged(good.inputs, where, () => bytes),
						good,
					),
			),
			parameters,
		));

	test('any text in place of the key', () =>
		fc.assert(
			fc.asyncProperty(fc.oneof(fc.string(), fc.constant(good.maker.builder.pem)), async (policyKey) => {
				const result = await askOurs({ ...good.inputs, policyKey }, 'witness', good.maker.nowMs);
				assert.equal(result.accepted, false);
			}),
			parameters,
		));
});
