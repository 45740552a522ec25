// Signed attestations for the command: a sample of a tracer's trace, a key, and a folder with the sources that it built.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { envelopeJson, pae } from '@affidavit/attest/dsse.ts';
import { keyIdOf, publicKeyPem, signBytes } from '@affidavit/attest/keys.ts';
import { inTotoPayloadType } from '@affidavit/attest/type-uris.ts';
import { collectionType, type Json, sources } from '../../../services/ingest/test/witness/samples.ts';
import { type CliRun, runCli } from '../run-cli.ts';

export interface SignedSample {
	attestation: string;
	publicKey: string;
	key: KeyObject;
}

export function signSample(folder: string, predicate: Json, predicateType: string = collectionType): SignedSample {
	const { privateKey, publicKey } = generateKeyPairSync('ed25519');
	const statement = {
		_type: 'https://in-toto.io/Statement/v0.1',
		subject: [{ name: 'app', digest: { sha256: 'a'.repeat(64) } }],
		predicateType,
		predicate,
	};
	const payload = Buffer.from(JSON.stringify(statement));
	const signature = { keyid: keyIdOf(publicKey), sig: signBytes(privateKey, pae(inTotoPayloadType, payload)) };
	const attestation = join(folder, 'att.json');
	const keyFile = join(folder, 'att.pub.pem');
	writeFileSync(attestation, envelopeJson(inTotoPayloadType, payload, signature));
	writeFileSync(keyFile, publicKeyPem(publicKey));
	return { attestation, publicKey: keyFile, key: publicKey };
}

/** The sources as they should be, in a plain folder. */
export function sourceFolder(folder: string): string {
	const root = join(folder, 'repository');
	for (const [path, text] of Object.entries(sources)) {
		mkdirSync(dirname(join(root, path)), { recursive: true });
		writeFileSync(join(root, path), text);
	}
	return root;
}

export interface ImportedSession {
	verdict: string;
	step: string;
	host: string;
	ciRunId: string | null;
	startedAt: string;
	findings: {
		rule: string;
		severity: string;
		path: string | null;
		digest: string | null;
		expectedDigest: string | null;
		explanation: string;
		products: string[];
		process: { binary: string } | null;
	}[];
	products: { path: string; sha256: string | null }[];
	completeness: {
		reasons: string[];
		orphanProcesses: number;
		filesWithoutDigest: number;
		gaps: { detail: string; count: number }[];
		notObservable: string[];
	};
	counts: { processes: number };
	statements: { predicateType: string; envelope: string }[];
	judgedAgainst: { note: string | null };
	imported: {
		sources: string;
		backend: string;
		assurance: string;
		losses: Record<string, number>;
		lateness: { digests: number; medianMs: number; p95Ms: number; maxMs: number } | null;
	} & Record<string, unknown>;
}

export interface ImportRun {
	run: CliRun;
	session: ImportedSession | null;
}

export async function importSample(
	folder: string,
	sample: Pick<SignedSample, 'attestation' | 'publicKey'>,
	...more: string[]
): Promise<ImportRun> {
	const args = [
		'import',
		sample.attestation,
		'--public-key',
		sample.publicKey,
		'--data',
		join(folder, 'data'),
		'--json',
		...more,
	];
	const run = await runCli(args);
	return { run, session: run.stdout === '' ? null : (JSON.parse(run.stdout) as ImportedSession) };
}
