// The verification summary (VSA) that `verify --vsa` leaves: signed, and whole or not at all.

import type { KeyObject } from 'node:crypto';
import { randomBytes } from 'node:crypto';
import { open, rename, unlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { envelopeJson, pae } from '@affidavit/attest/dsse.ts';
import { keyFileBytesMax, parsePrivateKey, signBytes } from '@affidavit/attest/keys.ts';
import { policyPayloadType } from '@affidavit/attest/policy/policy.ts';
import type { PolicyResult } from '@affidavit/attest/policy/result.ts';
import { statementBytes } from '@affidavit/attest/statement.ts';
import { inTotoPayloadType } from '@affidavit/attest/type-uris.ts';
import { artifactSummary } from '@affidavit/attest/vsa.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { CliError } from '../errors.ts';
import { fileTrouble } from '../files.ts';
import { readBounded } from './inputs.ts';

export interface SigningKey {
	key: KeyObject;
	keyId: string;
}

/** Throws CliError (file-missing, file-unreadable, key-unreadable). */
export async function readSigningKey(path: string): Promise<SigningKey> {
	const parsed = parsePrivateKey((await readBounded(path, keyFileBytesMax)).toString('utf8'), path);
	if (parsed.kind === 'invalid') throw new CliError('key-unreadable', parsed.reason);
	return { key: parsed.key, keyId: parsed.keyId };
}

export interface Verified {
	artifact: string;
	sha256: string;
	policyBytes: Uint8Array;
	result: PolicyResult;
	nowMs: number;
}

/** Throws CliError('file-unwritable') when it cannot be written. */
export async function writeSummary(
	{ file, resourceUri }: { file: string; resourceUri: string | undefined },
	signer: SigningKey,
	{ artifact, sha256, policyBytes, result, nowMs }: Verified,
): Promise<void> {
	const statement = artifactSummary({
		artifact: { name: artifact.startsWith('sha256:') ? `sha256:${sha256}` : basename(artifact), sha256 },
		resourceUri: resourceUri ?? `urn:sha256:${sha256}`,
		timeVerified: new Date(nowMs).toISOString(),
		// A policy that could not be read is named by the digest of its file.
		policy: { uri: policyPayloadType, sha256: result.policy.sha256 || sha256Hex(policyBytes) },
		// What a refusal rests on are the collections that were refused.
		inputPayloads: result.steps.flatMap((step) =>
			step.collections.filter((c) => c.accepted || !result.accepted).map((c) => c.payloadSha256),
		),
		accepted: result.accepted,
	});
	const { bytes } = statementBytes(statement);
	const sig = signBytes(signer.key, pae(inTotoPayloadType, bytes));
	await writeWhole(file, envelopeJson(inTotoPayloadType, bytes, { keyid: signer.keyId, sig }));
}

/** Replaces `path` in one step, or leaves it as it was. Throws CliError('file-unwritable'). */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
	const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
	try {
		const file = await open(temporary, 'wx', 0o644);
		try {
			await file.writeFile(bytes);
			await file.sync();
		} finally {
			await file.close();
		}
		await rename(temporary, path);
	} catch (cause) {
		await unlink(temporary).catch(() => {});
		throw new CliError('file-unwritable', `cannot write ${path}: ${fileTrouble(cause)}`, cause);
	}
}
