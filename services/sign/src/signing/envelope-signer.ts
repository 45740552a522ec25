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
	/** Witness's envelope, JSON. */
	envelope: Buffer;
	/** Sigstore bundle v0.3, JSON. */
	bundle: Buffer;
}

export interface EnvelopeSigner {
	/** Verifies what `sign` makes. */
	verifier: TrustedKey;
	sign(payload: Buffer): Promise<SignedPayload>;
}

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
			const signature = bundle.content.dsseEnvelope.signatures[0];
			if (!signature) throw new TypeError('DSSEBundleBuilder: expected a signature');
			return {
				envelope: envelopeJson(inTotoPayloadType, payload, { keyid: keyId, sig: signature.sig }),
				bundle: Buffer.from(JSON.stringify(bundleToJSON(bundle)), 'utf8'),
			};
		},
	};
}
