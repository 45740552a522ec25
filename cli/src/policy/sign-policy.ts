// A policy's JSON as the envelope that Witness reads: one signature, the policy itself as payload.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { envelopeJson, pae, type TrustedKey } from '@affidavit/attest/dsse.ts';
import { keyIdOf, signBytes } from '@affidavit/attest/keys.ts';
import { policyPayloadType } from '@affidavit/attest/policy/policy.ts';

export function signPolicy(payload: Uint8Array, key: KeyObject, keyid: string): Buffer {
	return envelopeJson(policyPayloadType, payload, { keyid, sig: signBytes(key, pae(policyPayloadType, payload)) });
}

/** Signed by a key that is forgotten at once: for asking the engine about a policy that nobody has signed yet. */
export function signForNow(payload: Uint8Array): { bytes: Buffer; key: TrustedKey } {
	const { privateKey, publicKey } = generateKeyPairSync('ed25519');
	const keyId = keyIdOf(publicKey);
	return { bytes: signPolicy(payload, privateKey, keyId), key: { key: publicKey, keyId } };
}
