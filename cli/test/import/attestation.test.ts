// Nothing is imported that is not signed, and nothing of it is even looked at.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { envelopeJson, pae, type TrustedKey } from '@affidavit/attest/dsse.ts';
import { keyIdOf, signBytes } from '@affidavit/attest/keys.ts';
import { inTotoPayloadType } from '@affidavit/attest/type-uris.ts';
import { createTally } from '@affidavit/ingest/witness/tally.ts';
import fc from 'fast-check';
import { collection, collectionType, demoRun } from '../../../services/ingest/test/witness/samples.ts';
import { readAttestation } from '../../src/import/attestation.ts';
import { importedStep } from '../../src/import/run.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const keys: TrustedKey[] = [{ key: publicKey, keyId: keyIdOf(publicKey) }];

function envelope(payload: Buffer, type: string = inTotoPayloadType): Buffer {
	const sig = signBytes(privateKey, pae(type, payload));
	return envelopeJson(type, payload, { keyid: keyIdOf(publicKey), sig });
}

const statement = (predicateType = collectionType): Buffer =>
	Buffer.from(
		JSON.stringify({
			_type: 'https://in-toto.io/Statement/v0.1',
			subject: [],
			predicateType,
			predicate: collection('v0.2', demoRun()),
		}),
	);

const reasonOf = (bytes: Uint8Array): string => {
	const reading = readAttestation(bytes, keys, createTally());
	return reading.kind === 'refused' ? reading.reason : 'taken';
};

describe('an attestation to import', () => {
	it('is taken when a given key signed it, under its payload digest', () => {
		const reading = readAttestation(envelope(statement()), keys, createTally());
		assert.ok(reading.kind === 'trace');
		assert.match(reading.payloadSha256, /^[0-9a-f]{64}$/);
		assert.equal(reading.keyId, keys[0]?.keyId);
	});

	it('is refused with the reason', () => {
		assert.match(reasonOf(envelope(statement(), 'text/plain')), /^payloadType: expected application/);
		assert.match(reasonOf(envelope(Buffer.from('{}'))), /^_type: expected a string/);
		assert.match(reasonOf(envelope(statement('https://slsa.dev/provenance/v1'))), /expected a Witness collection/);
	});

	it('property: with one byte of the payload changed it is refused, and nothing of it is counted', () => {
		const payload = statement();
		const signed = JSON.parse(envelope(payload).toString()) as Record<string, unknown>;
		fc.assert(
			fc.property(fc.nat(payload.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
				const altered = Buffer.from(payload);
				altered[at] = (altered[at] as number) ^ by;
				const tally = createTally();
				const bytes = Buffer.from(JSON.stringify({ ...signed, payload: altered.toString('base64') }));
				assert.equal(readAttestation(bytes, keys, tally).kind, 'refused');
				assert.deepEqual(tally.counts(), []);
			}),
		);
	});

	it('property: any bytes are refused', () => {
		fc.assert(fc.property(fc.uint8Array(), (bytes) => assert.notEqual(reasonOf(bytes), 'taken')));
		fc.assert(fc.property(fc.json(), (text) => assert.notEqual(reasonOf(Buffer.from(text)), 'taken')));
	});

	it('property: a signed statement of any content is refused or taken, never a crash', () => {
		fc.assert(
			fc.property(fc.jsonValue(), (predicate) => {
				const text = {
					_type: 'https://in-toto.io/Statement/v1',
					subject: [],
					predicateType: collectionType,
					predicate,
				};
				assert.notEqual(reasonOf(envelope(Buffer.from(JSON.stringify(text)))), '');
			}),
		);
	});
});

describe('the step of an imported session', () => {
	for (const [name, expected] of [
		['build', 'build.imported'],
		['', 'configured.imported'],
		['a b', 'configured.imported'],
		['build.failed', 'build.imported'],
		['build.imported.incomplete', 'build.imported'],
		['x'.repeat(200), 'configured.imported'],
	] as const)
		it(`${JSON.stringify(name.slice(0, 20))} → ${expected}`, () =>
			assert.equal(importedStep(name, 'configured'), expected));
});
