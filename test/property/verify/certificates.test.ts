// Certificates and timestamps changed at random: nothing throws, and a certificate that is accepted was signed by its authority.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { Issued } from '../../../packages/attest/test/authority.ts';
import { makeAuthority, makeTimestampAuthority } from '../../../packages/attest/test/authority.ts';
import { makeTimestamp } from '../../../packages/attest/test/timestamps.ts';
import type { Inputs } from '../../interop/policy-matrix/case.ts';
import type { Chain } from '../../interop/policy-matrix/certified.ts';
import { certifiedScenario, rootOf } from '../../interop/policy-matrix/certified.ts';
import type { EnvelopeFields, SignatureFields } from '../../interop/policy-matrix/maker.ts';
import { createMaker } from '../../interop/policy-matrix/maker.ts';
import { askOurs } from '../../interop/policy-matrix/ours.ts';
import { byteChange, changeBytes } from './changes.ts';
import { parameters, secondsMax } from './options.ts';

const maker = createMaker('certificates', Date.UTC(2026, 10, 23));
const tsaRoot = await makeAuthority({ name: 'CN=tsa root' });
const tsa = await makeTimestampAuthority(tsaRoot);
let chain = {} as Chain;
const made = await certifiedScenario(maker, {
	intermediates: [{}],
	timestamps: async (signature) => [makeTimestamp(tsa, signature, { at: new Date(maker.nowMs) })],
	scenario: (issued) => {
		chain = issued;
		return {};
	},
});
const inputs: Inputs = await maker.given({ ...made, timestampauthorities: { tsa: rootOf(tsaRoot) } });
const [file] = inputs.attestations;
const envelope = JSON.parse(Buffer.from(file?.bytes ?? '').toString()) as EnvelopeFields;
const signature = envelope.signatures[0] as SignatureFields;

const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64');
const pemOf = (der: Uint8Array): string => `-----BEGIN CERTIFICATE-----\n${base64(der)}\n-----END CERTIFICATE-----\n`;

const given = (changed: Partial<SignatureFields>): Inputs => {
	const bytes = Buffer.from(JSON.stringify({ ...envelope, signatures: [{ ...signature, ...changed }] }));
	return { ...inputs, attestations: [{ name: 'build.json', bytes }] };
};

async function accepted(of: Inputs): Promise<boolean> {
	const began = performance.now();
	const [strict, witness] = [await askOurs(of, 'strict', maker.nowMs), await askOurs(of, 'witness', maker.nowMs)];
	assert.ok(performance.now() - began < 2 * secondsMax * 1000);
	assert.ok(witness.accepted || !strict.accepted, strict.reason);
	return witness.accepted;
}

/** node:crypto's word, which is not what decides. */
function isSignedBy(der: Uint8Array, issuer: Issued): boolean {
	try {
		return new X509Certificate(der).verify(issuer.key);
	} catch {
		return false;
	}
}

const someBytes = fc.array(byteChange, { minLength: 1, maxLength: 3 });

suite('changed certificates and timestamps', () => {
	test('the ground is accepted', async () => {
		assert.equal(await accepted(inputs), true);
		assert.ok(isSignedBy(chain.leaf.der, chain.intermediates[0] as Issued));
		assert.ok(!isSignedBy(chain.leaf.der, chain.root));
	});

	test('a leaf that is accepted was signed by the intermediate', () =>
		fc.assert(
			fc.asyncProperty(someBytes, async (changes) => {
				const der = changeBytes(chain.leaf.der, changes, tsa.der);
				if (await accepted(given({ certificate: base64(pemOf(der)) })))
					assert.ok(isSignedBy(der, chain.intermediates[0] as Issued));
			}),
			parameters,
		));

	test('an intermediate that leads to an acceptance was signed by the root', () =>
		fc.assert(
			fc.asyncProperty(someBytes, async (changes) => {
				const der = changeBytes((chain.intermediates[0] as Issued).der, changes, chain.leaf.der);
				if (await accepted(given({ intermediates: [base64(pemOf(der))] }))) assert.ok(isSignedBy(der, chain.root));
			}),
			parameters,
		));

	test('a timestamp that leads to an acceptance is of this signature', () =>
		fc.assert(
			fc.asyncProperty(someBytes, async (changes) => {
				const token = Buffer.from(signature.timestamps?.[0]?.data ?? '', 'base64');
				const data = changeBytes(token, changes, tsa.der);
				if (await accepted(given({ timestamps: [{ type: 'tsp', data: base64(data) }] })))
					assert.ok(data.includes(createHash('sha256').update(Buffer.from(signature.sig, 'base64')).digest()));
			}),
			parameters,
		));

	test('a root of the policy that was changed accepts only what it signed', () =>
		fc.assert(
			fc.asyncProperty(someBytes, async (changes) => {
				const der = changeBytes(chain.root.der, changes, chain.leaf.der);
				const roots = { root: { certificate: base64(pemOf(der)) } };
				const of = await maker.given({ ...made, roots, timestampauthorities: { tsa: rootOf(tsaRoot) } });
				if (!(await accepted({ ...inputs, policy: of.policy }))) return;
				const key = new X509Certificate(der).publicKey;
				assert.ok(new X509Certificate((chain.intermediates[0] as Issued).der).verify(key));
			}),
			parameters,
		));

	test('random bytes in place of any of them', () =>
		fc.assert(
			fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, asPem) => {
				const text = base64(asPem ? pemOf(bytes) : bytes);
				assert.equal(await accepted(given({ certificate: text })), false);
				assert.equal(await accepted(given({ timestamps: [{ type: 'tsp', data: base64(bytes) }] })), false);
				assert.equal(await accepted(given({ intermediates: [text] })), false);
			}),
			parameters,
		));
});
