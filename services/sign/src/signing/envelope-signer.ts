// DSSE by @sigstore/sign, in the two forms that the field reads: Witness's envelope and a Sigstore bundle v0.3.
import type { KeyObject } from 'node:crypto';
import type { TrustedKey } from '@affidavit/attest/dsse.ts';
import { envelopeJson } from '@affidavit/attest/dsse.ts';
import { publicKeyPem, signBytes } from '@affidavit/attest/keys.ts';
import { inTotoPayloadType } from '@affidavit/attest/type-uris.ts';
import { bundleToJSON } from '@sigstore/bundle';
import type { Signer } from '@sigstore/sign';
import { DSSEBundleBuilder } from '@sigstore/sign';

export interface SignedPayload {
	/** Witness's envelope, JSON, in pieces that share the payload's base64. */
	envelope: readonly Buffer[];
	/** Sigstore bundle v0.3, JSON, likewise. */
	bundle: readonly Buffer[];
}

export interface EnvelopeSigner {
	/** Verifies what `sign` makes. */
	verifier: TrustedKey;
	sign(payload: Buffer): Promise<SignedPayload>;
}

/** Stands for the payload while the JSON around it is made: payloads are megabytes, and both forms hold the same one. */
const placeholder = Buffer.from('the payload goes here');

export function createKeySigner(key: KeyObject, keyId: string): EnvelopeSigner {
	const publicKey = publicKeyPem(key);
	// An empty hint: cosign accepts the bundle only when its signature's keyid is empty (formats.md 4).
	const signer: Signer = {
		sign: async (data) => ({ signature: signBytes(key, data), key: { $case: 'publicKey', publicKey, hint: '' } }),
	};
	const builder = new DSSEBundleBuilder({ signer, witnesses: [], certificateChain: false });
	return {
		verifier: { key, keyId },
		async sign(payload) {
			const bundle = await builder.create({ data: payload, type: inTotoPayloadType });
			const { dsseEnvelope } = bundle.content;
			const signature = dsseEnvelope.signatures[0];
			if (!signature) throw new TypeError('DSSEBundleBuilder: expected a signature');
			dsseEnvelope.payload = placeholder;
			const base64 = base64Bytes(payload);
			return {
				envelope: around(envelopeJson(inTotoPayloadType, placeholder, { keyid: keyId, sig: signature.sig }), base64),
				bundle: around(Buffer.from(JSON.stringify(bundleToJSON(bundle)), 'utf8'), base64),
			};
		},
	};
}

function around(json: Buffer, base64: Buffer): Buffer[] {
	const mark = Buffer.from(placeholder.toString('base64'), 'latin1');
	const at = json.indexOf(mark);
	if (at < 0) throw new TypeError('envelope: expected the payload in its JSON');
	return [json.subarray(0, at), base64, json.subarray(at + mark.length)];
}

const blockBytes = 3 * 16 * 1024;

/** Base64 in ASCII bytes, without a text of the whole in between. */
function base64Bytes(payload: Buffer): Buffer {
	const out = Buffer.allocUnsafe(Math.ceil(payload.length / 3) * 4);
	let at = 0;
	for (let from = 0; from < payload.length; from += blockBytes)
		at += out.write(payload.toString('base64', from, Math.min(from + blockBytes, payload.length)), at, 'latin1');
	return out;
}
