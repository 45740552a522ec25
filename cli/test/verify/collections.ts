// Signed statements for the tests: a build's collection, and the runtime-trace of its session.
import type { KeyObject } from 'node:crypto';
import { envelopeJson, pae } from '@affidavit/attest/dsse.ts';
import { signBytes } from '@affidavit/attest/keys.ts';
import { statementBytes } from '@affidavit/attest/statement.ts';
import { productSubject } from '@affidavit/attest/subjects.ts';
import {
	collectionPredicateType,
	commandRunType,
	inTotoPayloadType,
	materialType,
	productType,
	runtimeTracePredicateType,
	statementTypeV01,
} from '@affidavit/attest/type-uris.ts';

export const session = '5e'.repeat(32);

export function signStatement(
	key: KeyObject,
	predicateType: string,
	predicate: unknown,
	subject: { name: string; digest: Record<string, string> }[],
): Buffer {
	const { bytes } = statementBytes({ _type: statementTypeV01, subject, predicateType, predicate });
	return envelopeJson(inTotoPayloadType, bytes, { keyid: '', sig: signBytes(key, pae(inTotoPayloadType, bytes)) });
}

export interface BuildFields {
	step?: string;
	product: string;
	processes?: Record<string, unknown>[];
	/** undefined: Affidavit's passed verdict. null: a collection of another tool. */
	affidavit?: { session: string; revision: number; verdict: string } | null;
}

/** A collection with material, command-run and one product `bin/app`. */
export function signedBuild(
	key: KeyObject,
	{ step = 'build', product, processes = [], affidavit }: BuildFields,
): Buffer {
	const said = affidavit === undefined ? { session, revision: 1, verdict: 'passed' } : affidavit;
	const predicate = {
		name: step,
		attestations: [
			{ type: materialType, attestation: { 'main.c': { sha256: '11'.repeat(32) } } },
			{ type: commandRunType, attestation: { cmd: ['make'], exitcode: 0, processes } },
			{
				type: productType,
				attestation: { 'bin/app': { mime_type: 'application/x-elf', digest: { sha256: product } } },
			},
		],
		...(said === null ? {} : { affidavit: said }),
	};
	return signStatement(key, collectionPredicateType, predicate, [productSubject('bin/app', product)]);
}

export interface TraceFields {
	session?: string;
	revision?: number;
	connections: Record<string, unknown>[];
}

export const signedTrace = (
	key: KeyObject,
	{ session: id = session, revision = 1, connections }: TraceFields,
): Buffer =>
	signStatement(
		key,
		runtimeTracePredicateType,
		{ session: { id }, verdict: { revision }, processes: [], connections, omitted: { connections: 0 } },
		[],
	);
