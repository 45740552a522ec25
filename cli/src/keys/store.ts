// The key pairs of a data folder: DATA/keys/NAME.pem (PKCS #8, 0600) and NAME.pub.pem (SPKI).
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { link, open, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { keyFileBytesMax, parsePrivateKey, publicKeyPem } from '@affidavit/attest/keys.ts';
import { CliError } from '../errors.ts';
import { makeFolder } from '../files.ts';
import type { SealerName } from '../service/services.ts';

export type KeyType = 'ed25519' | 'p256';
/** signing: signs attestations. host: signs the batches that leave this host. A service's: seals the records that it writes. */
export type KeyName = 'signing' | 'host' | SealerName;
/** Of one machine; those of a fleet's services are made by name. */
export const keyNames: readonly KeyName[] = ['signing', 'host'];

export interface StoredKey {
	name: KeyName;
	type: KeyType;
	privateKey: KeyObject;
	/** SPKI PEM, 64 columns, final newline. */
	publicKeyPem: string;
	/** sha256 of `publicKeyPem`, hex (Witness's key id). */
	keyId: string;
	privateKeyPath: string;
	publicKeyPath: string;
	/** True when this call made it. */
	created: boolean;
}

const privateMode = 0o600;
export const publicMode = 0o644;

export const keyPaths = (dir: string, name: KeyName): { privateKeyPath: string; publicKeyPath: string } => ({
	privateKeyPath: join(dir, `${name}.pem`),
	publicKeyPath: join(dir, `${name}.pub.pem`),
});

/** The key pair `name` of folder `dir`, made when there is none. Throws CliError (key-unreadable, key-exposed, key-mismatch). */
export async function loadOrCreateKey(dir: string, name: KeyName, type: KeyType): Promise<StoredKey> {
	const existing = await loadKey(dir, name);
	if (existing) return existing;
	const pem = generate(type).export({ type: 'pkcs8', format: 'pem' }).toString();
	await makeFolder(dir, 0o700);
	const created = await writeOnce(keyPaths(dir, name).privateKeyPath, pem, privateMode);
	const key = await loadKey(dir, name);
	if (!key) throw new CliError('key-unreadable', `${keyPaths(dir, name).privateKeyPath}: vanished while it was made`);
	return { ...key, created };
}

/** null when there is no such key. A missing public file is written anew from the private key. */
export async function loadKey(dir: string, name: KeyName): Promise<StoredKey | null> {
	const paths = keyPaths(dir, name);
	const pem = await readBounded(paths.privateKeyPath);
	if (pem === null) return null;
	const { mode } = await stat(paths.privateKeyPath);
	if ((mode & 0o077) !== 0)
		throw new CliError(
			'key-exposed',
			`${paths.privateKeyPath}: mode ${(mode & 0o777).toString(8)} lets others read the private key; run chmod 600 on it, or make a new one if they have`,
		);
	const parsed = parsePrivateKey(pem, paths.privateKeyPath);
	if (parsed.kind === 'invalid') throw new CliError('key-unreadable', parsed.reason);
	const pemOfPublic = publicKeyPem(parsed.key);
	const published = await readBounded(paths.publicKeyPath);
	if (published === null) await writeOnce(paths.publicKeyPath, pemOfPublic, publicMode);
	else if (published !== pemOfPublic)
		throw new CliError(
			'key-mismatch',
			`${paths.publicKeyPath}: is not the public half of ${paths.privateKeyPath}; remove it if you trust the private key`,
		);
	return {
		name,
		type: parsed.key.asymmetricKeyType === 'ed25519' ? 'ed25519' : 'p256',
		privateKey: parsed.key,
		publicKeyPem: pemOfPublic,
		keyId: parsed.keyId,
		...paths,
		created: false,
	};
}

const generate = (type: KeyType): KeyObject =>
	type === 'ed25519'
		? generateKeyPairSync('ed25519').privateKey
		: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

async function readBounded(path: string): Promise<string | null> {
	let bytes: Buffer;
	try {
		if ((await stat(path)).size > keyFileBytesMax)
			throw new CliError('key-unreadable', `${path}: over ${keyFileBytesMax} bytes: expected a PEM key`);
		bytes = await readFile(path);
	} catch (cause) {
		if (cause instanceof CliError) throw cause;
		const code = (cause as NodeJS.ErrnoException).code;
		if (code === 'ENOENT') return null;
		throw new CliError('key-unreadable', `cannot read ${path}: ${code ?? String(cause)}`, cause);
	}
	return bytes.toString('utf8');
}

/** Whole or not at all, and never over an existing file: false when there was one. */
export async function writeOnce(path: string, text: string, mode: number): Promise<boolean> {
	const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
	const file = await open(temporary, 'wx', mode);
	try {
		await file.writeFile(text);
		await file.sync();
	} finally {
		await file.close();
	}
	try {
		await link(temporary, path);
		return true;
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
		throw cause;
	} finally {
		await unlink(temporary);
	}
}
