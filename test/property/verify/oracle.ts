// What an acceptance claims, looked up again with node:crypto alone: every piece that it rests on was signed, as it stands, by a listed key.
import { verify } from 'node:crypto';
import type { PolicyResult } from '@affidavit/attest/policy/result.ts';
import type { Inputs } from '../../interop/policy-matrix/case.ts';
import type { MatrixKey } from '../../interop/policy-matrix/keys.ts';
import type { Ground } from './ground.ts';
import { payloadOf } from './ground.ts';

/** Why an acceptance is wrong; null when it is right, or when nothing was accepted. */
export function wrongAcceptance(result: PolicyResult, given: Inputs, ground: Ground): string | null {
	if (!result.accepted) return null;
	if (result.policy.sha256 !== ground.policySha256) return 'the policy is not the one that was signed';
	if (!isSigned(given.policy, payloadOf(ground.inputs.policy), ground.maker.owner))
		return 'no signature of the policy holds';
	const names = new Set(result.steps.map((s) => s.name));
	if (!names.has('fetch') || !names.has('build')) return 'a step of the policy is missing';
	for (const step of result.steps) {
		const accepted = step.collections.filter((c) => c.accepted);
		if (!step.accepted || accepted.length === 0) return `step ${step.name}: no accepted collection`;
		for (const { envelope, payloadSha256 } of accepted) {
			const signed = ground.good.get(payloadSha256);
			if (signed?.step !== step.name) return `${envelope}: its payload was not signed for step ${step.name}`;
			const bytes = given.attestations.find((a) => a.name === envelope)?.bytes;
			if (!bytes || !isSigned(bytes, signed.payload, ground.maker.builder)) return `${envelope}: no signature holds`;
		}
	}
	return null;
}

/** True when some text of the envelope is a signature of `payload` by `key`, under some other text of it as the payload type. */
function isSigned(envelope: Uint8Array, payload: Buffer, key: MatrixKey): boolean {
	const texts = new Set(['']);
	JSON.parse(Buffer.from(envelope).toString(), (_, value: unknown) => {
		if (typeof value === 'string') texts.add(value);
		return value;
	});
	for (const type of texts) {
		const head = `DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `;
		const signed = Buffer.concat([Buffer.from(head), payload]);
		for (const text of texts) {
			const signature = Buffer.from(text, 'base64');
			if (signature.length === 64 && verify(null, signed, key.publicKey, signature)) return true;
		}
	}
	return false;
}
