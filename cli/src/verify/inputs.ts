// What `verify` reads: the artifact's digest, envelopes from files and folders, public keys.
import { createHash } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { opendir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { envelopeBytesMax, type TrustedKey } from '@affidavit/attest/dsse.ts';
import { keyFileBytesMax, parsePublicKey } from '@affidavit/attest/keys.ts';
import { envelopesMax, type NamedEnvelope } from '@affidavit/attest/verify-artifact.ts';
import { isSha256 } from '@affidavit/model/digests.ts';
import { CliError } from '../errors.ts';
import { fileTrouble } from '../files.ts';

/** Envelopes of a folder have this ending; a file that is named may be called anything. */
const envelopeEnding = '.dsse.json';
const folderDepthMax = 8;
const totalBytesMax = 1024 * 1024 * 1024;
/** Of a verification against a policy, which keeps what it reads of collections: this holds it below 512 MB of memory. */
export const policyTotalBytesMax: number = envelopeBytesMax;
/** A policy holds certificates and Rego: kilobytes. */
export const policyBytesMax: number = 16 * 1024 * 1024;

const otherDigest = /^[A-Za-z0-9-]+:[0-9A-Fa-f]+$/;

/** sha256 in hex of `sha256:HEX` or of a file's content. */
export async function artifactDigest(artifact: string): Promise<string> {
	if (artifact.startsWith('sha256:')) {
		const hex = artifact.slice('sha256:'.length).toLowerCase();
		if (!isSha256(hex)) throw new CliError('usage', `${artifact}: expected sha256: and 64 hex digits`);
		return hex;
	}
	const hash = createHash('sha256');
	try {
		await pipeline(createReadStream(artifact), hash);
	} catch (cause) {
		if (otherDigest.test(artifact) && (cause as NodeJS.ErrnoException).code === 'ENOENT')
			throw new CliError('usage', `${artifact}: expected a file, or sha256: and 64 hex digits`, cause);
		throw unreadable(artifact, cause);
	}
	return hash.digest('hex');
}

/** Envelopes of the named files, and of the named folders with what lies below them; in order of name within a folder. */
export async function readEnvelopes(paths: readonly string[], bytesMax = totalBytesMax): Promise<NamedEnvelope[]> {
	const out: NamedEnvelope[] = [];
	let total = 0;
	for (const named of paths) {
		const files = (await statOf(named)).isDirectory() ? await envelopesBelow(named, 0) : [named];
		if (files.length === 0) throw new CliError('usage', `${named}: no *${envelopeEnding} in this folder`);
		for (const path of files) {
			const { size } = await statOf(path);
			total += size;
			if (size > envelopeBytesMax || total > bytesMax || out.length === envelopesMax)
				throw new CliError(
					'file-too-large',
					`${path}: expected at most ${envelopesMax} envelopes of ${envelopeBytesMax} bytes, ${bytesMax} in all; name fewer files or folders`,
				);
			out.push({ name: path, bytes: await read(path) });
		}
	}
	return out;
}

async function envelopesBelow(dir: string, depth: number): Promise<string[]> {
	if (depth > folderDepthMax) throw new CliError('usage', `${dir}: nested deeper than ${folderDepthMax} folders`);
	const files: string[] = [];
	for await (const entry of await opendir(dir)) {
		const path = join(dir, entry.name);
		// Symbolic links are not followed: a folder from elsewhere must not lead out of itself.
		if (entry.isDirectory()) files.push(...(await envelopesBelow(path, depth + 1)));
		else if (entry.isFile() && entry.name.endsWith(envelopeEnding)) files.push(path);
		if (files.length > envelopesMax) throw new CliError('file-too-large', `${dir}: over ${envelopesMax} envelopes`);
	}
	return files.sort();
}

export async function readPublicKeys(paths: readonly string[]): Promise<TrustedKey[]> {
	const keys: TrustedKey[] = [];
	for (const path of paths) {
		if ((await statOf(path)).size > keyFileBytesMax)
			throw new CliError('key-unreadable', `${path}: expected a public key of at most ${keyFileBytesMax} bytes`);
		const parsed = parsePublicKey((await read(path)).toString('utf8'), path);
		if (parsed.kind === 'invalid') throw new CliError('key-unreadable', parsed.reason);
		keys.push({ key: parsed.key, keyId: parsed.keyId });
	}
	return keys;
}

/** A file's bytes. Throws CliError (file-missing, file-unreadable, file-too-large). */
export async function readBounded(path: string, bytesMax: number): Promise<Buffer> {
	const found = await statOf(path);
	if (found.size > bytesMax) throw new CliError('file-too-large', `${path}: expected at most ${bytesMax} bytes`);
	return read(path);
}

async function statOf(path: string): Promise<Stats> {
	try {
		return await stat(path);
	} catch (cause) {
		throw unreadable(path, cause);
	}
}

async function read(path: string): Promise<Buffer> {
	try {
		return await readFile(path);
	} catch (cause) {
		throw unreadable(path, cause);
	}
}

function unreadable(path: string, cause: unknown): CliError {
	return (cause as NodeJS.ErrnoException).code === 'ENOENT'
		? new CliError('file-missing', `${path}: no such file`, cause)
		: new CliError('file-unreadable', `cannot read ${path}: ${fileTrouble(cause)}`, cause);
}
