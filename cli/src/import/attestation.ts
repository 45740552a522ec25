// The attestation that is imported: its signature first, and nothing of the payload before it holds.
import { parseEnvelope, type TrustedKey, verifyEnvelope } from '@affidavit/attest/dsse.ts';
import { keyIdOf } from '@affidavit/attest/keys.ts';
import { parseStatement, quote } from '@affidavit/attest/statement.ts';
import { inTotoPayloadType } from '@affidavit/attest/type-uris.ts';
import { readWitnessTrace, type WitnessTrace } from '@affidavit/ingest/witness/collection.ts';
import type { Tally } from '@affidavit/ingest/witness/tally.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';

/** Largest attestation that is imported, bytes: it is held in memory as a whole, several times over while it is read. */
export const attestationBytesMax: number = 64 * 1024 * 1024;

export type AttestationReading =
	| {
			kind: 'trace';
			trace: WitnessTrace;
			/** sha256 of the payload, hex: the attestation's identity. */
			payloadSha256: string;
			/** Key that the signature holds with. */
			keyId: string;
	  }
	| { kind: 'refused'; reason: string };

export function readAttestation(bytes: Uint8Array, keys: readonly TrustedKey[], tally: Tally): AttestationReading {
	const parsed = parseEnvelope(bytes);
	if (parsed.kind === 'invalid') return refused(parsed.reason);
	const { envelope } = parsed;
	const check = verifyEnvelope(envelope, keys);
	if (check.kind === 'other-key')
		return refused(`signed by ${check.keyIds.slice(0, 3).map(quote).join(', ')}: none of the given keys`);
	if (check.kind !== 'verified')
		return refused('no signature verifies under a given key: altered, or signed by another key');
	if (envelope.payloadType !== inTotoPayloadType)
		return refused(`payloadType: expected ${inTotoPayloadType}, found ${quote(envelope.payloadType)}`);
	const statement = parseStatement(envelope.payload);
	if (statement.kind === 'invalid') return refused(statement.reason);
	const { predicateType, predicate } = statement.statement;
	const reading = readWitnessTrace(predicateType, predicate, tally);
	if (reading.kind === 'refused') return refused(reading.reason);
	return {
		kind: 'trace',
		trace: reading.trace,
		payloadSha256: sha256Hex(envelope.payload),
		keyId: keyIdOf(check.key),
	};
}

const refused = (reason: string): AttestationReading => ({ kind: 'refused', reason });
