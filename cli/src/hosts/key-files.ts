// A host's key as files: made here and carried to the host, or made on the host and its public half brought here.
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { keyFileBytesMax, parsePrivateKey, parsePublicKey } from '@affidavit/attest/keys.ts';
import { type HostKey, keyIdOf } from '@affidavit/model/batch-signature.ts';
import { CliError } from '../errors.ts';
import { fileTrouble } from '../files.ts';

export interface PublicHostKey {
	keyId: string;
	publicKeyPem: string;
}

/** Throws CliError (file-missing, key-unreadable). */
export async function readPublicKey(path: string): Promise<PublicHostKey> {
	const parsed = parsePublicKey(await readKeyFile(path), path);
	if (parsed.kind === 'invalid') throw new CliError('key-unreadable', parsed.reason);
	if (parsed.key.asymmetricKeyType !== 'ed25519')
		throw new CliError('key-unreadable', `${path}: ${parsed.key.asymmetricKeyType}: expected an ed25519 public key`);
	const publicKeyPem = parsed.key.export({ type: 'spki', format: 'pem' }).toString();
	return { keyId: keyIdOf(parsed.key), publicKeyPem };
}

/** Makes a key pair: the private half to `path` (0600), the public one beside it. Never over an existing file. */
export async function makeHostKey(path: string): Promise<PublicHostKey & { publicKeyPath: string }> {
	const { privateKey, publicKey } = generateKeyPairSync('ed25519');
	const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
	const publicKeyPath = publicPathOf(path);
	await writeNew(path, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), 0o600);
	await writeNew(publicKeyPath, publicKeyPem, 0o644);
	return { keyId: keyIdOf(publicKey), publicKeyPem, publicKeyPath };
}

const publicPathOf = (path: string): string => `${path.replace(/\.pem$/, '')}.pub.pem`;

/** What `makeHostKey` has just made. */
export async function removeHostKey(path: string): Promise<void> {
	await rm(path, { force: true });
	await rm(publicPathOf(path), { force: true });
}

/** Reading by the group is let pass: secrets that an orchestrator mounts for a user that is not root come so. */
const exposedMode = 0o027;

/** The agent's key. Throws CliError (file-missing, key-exposed, key-unreadable). */
export async function readHostKey(path: string): Promise<HostKey & { publicKeyPem: string }> {
	const pem = await readKeyFile(path);
	const { mode } = await stat(path);
	if ((mode & exposedMode) !== 0)
		throw new CliError(
			'key-exposed',
			`${path}: mode ${(mode & 0o777).toString(8)} lets others use the private key; run chmod 600 on it, or enrol a new one if they have`,
		);
	const parsed = parsePrivateKey(pem, path);
	if (parsed.kind === 'invalid') throw new CliError('key-unreadable', parsed.reason);
	if (parsed.key.asymmetricKeyType !== 'ed25519')
		throw new CliError('key-unreadable', `${path}: ${parsed.key.asymmetricKeyType}: expected an ed25519 key`);
	const publicKey = createPublicKey(parsed.key);
	const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
	return { privateKey: parsed.key, keyId: keyIdOf(publicKey), publicKeyPem };
}

async function readKeyFile(path: string): Promise<string> {
	try {
		if ((await stat(path)).size > keyFileBytesMax)
			throw new CliError('key-unreadable', `${path}: over ${keyFileBytesMax} bytes: expected a PEM key`);
		return await readFile(path, 'utf8');
	} catch (cause) {
		if (cause instanceof CliError) throw cause;
		const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
		throw new CliError(
			missing ? 'file-missing' : 'key-unreadable',
			`cannot read ${path}: ${fileTrouble(cause)}`,
			cause,
		);
	}
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
	try {
		const file = await open(path, 'wx', mode);
		try {
			await file.writeFile(text);
			await file.sync();
		} finally {
			await file.close();
		}
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code === 'EEXIST')
			throw new CliError('key-exists', `${path}: exists; a key is never replaced: choose another name`, cause);
		throw new CliError('file-unwritable', `cannot write ${path}: ${fileTrouble(cause)}`, cause);
	}
}
