// Envelopes for the tests, made with node:crypto alone.
import type { KeyObject } from 'node:crypto';
import { generateKeyPairSync } from 'node:crypto';
import { envelopeJson, pae } from '../src/dsse.ts';
import { keyIdOf, signBytes } from '../src/keys.ts';
import type { Statement, Subject } from '../src/statement.ts';
import { statementBytes } from '../src/statement.ts';
import { inTotoPayloadType, statementTypeV1, vsaPredicateType } from '../src/type-uris.ts';

export interface TestKey {
	privateKey: KeyObject;
	key: KeyObject;
	keyId: string;
}

export function testKey(type: 'ed25519' | 'p256' = 'ed25519'): TestKey {
	const pair = type === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
	return { privateKey: pair.privateKey, key: pair.publicKey, keyId: keyIdOf(pair.publicKey) };
}

export function envelopeOf(
	statement: Statement,
	by: TestKey,
	payloadType = inTotoPayloadType,
	keyid = by.keyId,
): Buffer {
	const { bytes } = statementBytes(statement);
	return envelopeJson(payloadType, bytes, { keyid, sig: signBytes(by.privateKey, pae(payloadType, bytes)) });
}

export const vsa = (subject: Subject[], over: Record<string, unknown> = {}): Statement => ({
	_type: statementTypeV1,
	subject,
	predicateType: vsaPredicateType,
	predicate: {
		verificationResult: 'PASSED',
		affidavit_session: 's1',
		affidavit_revision: 1,
		affidavit_verdict: 'passed',
		affidavit_findings: [],
		...over,
	},
});
