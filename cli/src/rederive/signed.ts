// What was signed for a session: its envelopes in the attestations folder, and what topic `attestation` says of them.
import { opendir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
	type Envelope,
	envelopeBytesMax,
	parseEnvelope,
	payloadSha256,
	type TrustedKey,
	verifyEnvelope,
} from '@affidavit/attest/dsse.ts';
import { gitoid } from '@affidavit/attest/gitoid.ts';
import { parseStatement } from '@affidavit/attest/statement.ts';
import { attestationCodec } from '@affidavit/model/codec.ts';
import { isSha256 } from '@affidavit/model/digests.ts';
import type { Attestation } from '@affidavit/model/generated/attestation.ts';
import { partitionOf } from '@affidavit/stream/partition.ts';
import { CliError } from '../errors.ts';
import { type Past, readPast } from '../replay/past.ts';

export type SignatureCheck = 'verified' | 'bad-signature' | 'other-key' | 'not-checked';

export interface SignedStatement {
	/** collection, runtime-trace, index, index-2, …, vsa; null where only the topic tells of it. */
	name: string | null;
	predicateType: string;
	payloadSha256: string;
	/** null: the envelope is not in the attestations folder. */
	path: string | null;
	signature: SignatureCheck;
}

export interface SignedSession {
	session: string;
	revision: number;
	statements: SignedStatement[];
	/** Log time of the newest record of topic `attestation` of it, microseconds; -1 when there is none. */
	signedUs: number;
}

const envelopeEnding = '.dsse.json';
/** Envelopes of one session and revision, and envelopes looked through for a gitoid. */
const envelopesMax = 10_000;
const scannedMax = 1_000_000;
const gitoidPrefix = /^gitoid:blob:sha256:/;

/** A session's id or its beginning, or an envelope's gitoid. Throws CliError: usage, session-unknown, session-ambiguous. */
export async function findSigned(
	target: string,
	past: Past,
	outDir: string,
	keys: readonly TrustedKey[],
	signal: AbortSignal,
): Promise<SignedSession> {
	const id = target.replace(gitoidPrefix, '');
	if (!/^[0-9a-f]{4,64}$/.test(id))
		throw new CliError(
			'usage',
			`${JSON.stringify(target.slice(0, 100))}: expected a session id or its beginning (4 hex digits at least), or the gitoid of an envelope`,
		);
	const ofFolder = gitoidPrefix.test(target) ? [] : await sessionFolders(outDir, id);
	if (ofFolder.length > 1) throw new CliError('session-ambiguous', `${id}: ${ofFolder.length} sessions begin so`);
	const [known] = ofFolder;
	if (known !== undefined) return readSigned(await recordsOf(past, known, signal), known, null, outDir, keys);
	const found = await findRecord(past, id, signal);
	if (found !== null)
		return readSigned(
			await recordsOf(past, found.session, signal),
			found.session,
			found.gitoid === id ? found.revision : null,
			outDir,
			keys,
		);
	const place = isSha256(id) ? await findEnvelope(outDir, id) : null;
	if (place === null)
		throw new CliError(
			'session-unknown',
			`${target}: neither a session nor an envelope of ${outDir}, nor of topic attestation (${past.name})`,
		);
	return readSigned(await recordsOf(past, place.session, signal), place.session, place.revision, outDir, keys);
}

async function sessionFolders(outDir: string, prefix: string): Promise<string[]> {
	const names = await namesIn(outDir);
	return names.filter((name) => isSha256(name) && name.startsWith(prefix));
}

async function namesIn(folder: string): Promise<string[]> {
	try {
		return await readdir(folder);
	} catch (cause) {
		const code = (cause as NodeJS.ErrnoException).code;
		if (code === 'ENOENT' || code === 'ENOTDIR') return [];
		throw new CliError('file-unreadable', `cannot read ${folder}: ${code ?? String(cause)}`, cause);
	}
}

type LoggedAttestation = Attestation & { loggedUs: number };

async function recordsOf(past: Past, session: string, signal: AbortSignal): Promise<LoggedAttestation[]> {
	const count = past.log.partitions('attestation');
	if (count === 0) return [];
	const partition = partitionOf(session, count);
	const found: LoggedAttestation[] = [];
	for await (const one of attestations(past, partition, signal))
		if (one.session === session && found.length < envelopesMax) found.push(one);
	return found;
}

async function findRecord(past: Past, id: string, signal: AbortSignal): Promise<LoggedAttestation | null> {
	for (let partition = 0; partition < past.log.partitions('attestation'); partition++)
		for await (const one of attestations(past, partition, signal))
			if (one.gitoid === id || one.session.startsWith(id)) return one;
	return null;
}

async function* attestations(past: Past, partition: number, signal: AbortSignal): AsyncGenerator<LoggedAttestation> {
	const { start, end } = await past.log.bounds('attestation', partition);
	for await (const { key, value, timestampUs } of readPast(past, 'attestation', partition, start, end, signal)) {
		let attestation: Attestation;
		try {
			attestation = attestationCodec.decode(value);
		} catch {
			continue;
		}
		if (attestation.session === key && isSha256(key)) yield { ...attestation, loggedUs: timestampUs };
	}
}

/** Of envelopes whose record is gone, or never was. */
async function findEnvelope(outDir: string, id: string): Promise<{ session: string; revision: number } | null> {
	let scanned = 0;
	for (const session of await namesIn(outDir)) {
		if (!isSha256(session)) continue;
		for (const revision of revisionsOf(await namesIn(join(outDir, session))))
			for (const name of await namesIn(revisionFolder(outDir, session, revision))) {
				if (!name.endsWith(envelopeEnding)) continue;
				scanned += 1;
				if (scanned > scannedMax) return null;
				const bytes = await readEnvelope(join(revisionFolder(outDir, session, revision), name));
				if (bytes !== null && gitoid(bytes) === id) return { session, revision };
			}
	}
	return null;
}

const revisionFolder = (outDir: string, session: string, revision: number): string =>
	join(outDir, session, `r${revision}`);

const revisionsOf = (names: readonly string[]): number[] =>
	names.flatMap((name) => (/^r[1-9]\d{0,8}$/.test(name) ? [Number(name.slice(1))] : []));

async function readEnvelope(path: string): Promise<Buffer | null> {
	try {
		return (await stat(path)).size > envelopeBytesMax ? null : await readFile(path);
	} catch {
		return null;
	}
}

/** `revision` null: the newest. */
async function readSigned(
	records: readonly LoggedAttestation[],
	session: string,
	revision: number | null,
	outDir: string,
	keys: readonly TrustedKey[],
): Promise<SignedSession> {
	const inFolder = revisionsOf(await namesIn(join(outDir, session)));
	const chosen = revision ?? Math.max(0, ...inFolder, ...records.map((record) => record.revision));
	const statements = inFolder.includes(chosen) ? await envelopesIn(revisionFolder(outDir, session, chosen), keys) : [];
	const here = new Set(statements.map((statement) => statement.payloadSha256));
	let signedUs = -1;
	for (const record of records) {
		if (record.revision !== chosen) continue;
		signedUs = Math.max(signedUs, record.loggedUs);
		if (here.has(record.payloadSha256)) continue;
		here.add(record.payloadSha256);
		const { predicateType, payloadSha256: sha256 } = record;
		statements.push({ name: null, predicateType, payloadSha256: sha256, path: null, signature: 'not-checked' });
	}
	return { session, revision: chosen, statements, signedUs };
}

async function envelopesIn(folder: string, keys: readonly TrustedKey[]): Promise<SignedStatement[]> {
	const statements: SignedStatement[] = [];
	for await (const entry of await opendir(folder)) {
		if (!entry.isFile() || !entry.name.endsWith(envelopeEnding)) continue;
		if (statements.length === envelopesMax)
			throw new CliError('file-too-large', `${folder}: expected at most ${envelopesMax} envelopes`);
		const path = join(folder, entry.name);
		const envelope = parsed(await readEnvelope(path), path);
		const statement = parseStatement(envelope.payload);
		if (statement.kind === 'invalid') throw unreadable(path, statement.reason);
		statements.push({
			// A second statement of one name carries its digest and its key's after a dot.
			name: entry.name.split('.', 1)[0] as string,
			predicateType: statement.statement.predicateType,
			payloadSha256: payloadSha256(envelope),
			path,
			signature: checkOf(envelope, keys),
		});
	}
	return statements.sort((a, b) => ((a.path ?? '') < (b.path ?? '') ? -1 : 1));
}

function parsed(bytes: Buffer | null, path: string): Envelope {
	const read = bytes === null ? null : parseEnvelope(bytes);
	if (read?.kind === 'envelope') return read.envelope;
	throw unreadable(path, read === null ? `expected at most ${envelopeBytesMax} bytes` : read.reason);
}

const unreadable = (path: string, why: string): CliError => new CliError('session-unreadable', `${path}: ${why}`);

function checkOf(envelope: Envelope, keys: readonly TrustedKey[]): SignatureCheck {
	if (keys.length === 0) return 'not-checked';
	const { kind } = verifyEnvelope(envelope, keys);
	return kind === 'too-much' ? 'not-checked' : kind;
}

/** The payload that is in the envelope now. Throws CliError('session-unreadable') when it is another than was found before. */
export async function signedPayload({ path, payloadSha256: expected }: SignedStatement): Promise<Uint8Array> {
	if (path === null) throw new Error('signedPayload: no envelope');
	const envelope = parsed(await readEnvelope(path), path);
	if (payloadSha256(envelope) !== expected) throw unreadable(path, 'it changed while it was read');
	return envelope.payload;
}
