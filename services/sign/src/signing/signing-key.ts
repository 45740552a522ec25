// The key of a local signer: a PEM file that only its owner reads, made on first use.
import type { KeyObject } from 'node:crypto';
import { generateKeyPairSync } from 'node:crypto';
import {
	closeSync,
	existsSync,
	fsyncSync,
	linkSync,
	mkdirSync,
	openSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { keyFileBytesMax, parsePrivateKey, publicKeyPem } from '@affidavit/attest/keys.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import { SignError } from '../errors.ts';

export interface SigningKey {
	key: KeyObject;
	/** Witness's key id: hex sha256 of the SPKI PEM. */
	keyId: string;
	/** SPKI PEM of the public half. */
	publicPem: string;
	/** True when this call made the key. */
	created: boolean;
}

/**
 * Reads an ed25519 or P-256 key from `file` (PKCS #8 PEM). With `create`, an absent file becomes a new ed25519 key (0600)
 * with its public half beside it in `file`.pub. Throws SignError('key-unreadable' | 'key-invalid') that names the file.
 */
export function openSigningKey(file: string, options: { create: boolean; emit: Emit }): SigningKey {
	const { create, emit } = options;
	const created = create && createKey(file);
	if (created)
		emit({
			name: 'signing_key_created',
			stage: 'sign',
			reason: 'first-use',
			intentional: false,
			message: `${file}: made a new signing key that nothing but this file protects: for local work; keep it safe, or give --key`,
			detail: { file, publicKey: `${file}.pub` },
		});
	const pem = readKeyFile(file);
	const parsed = parsePrivateKey(pem, file);
	if (parsed.kind === 'invalid') throw new SignError('key-invalid', parsed.reason);
	const publicPem = publicKeyPem(parsed.key);
	if (created) writePublicKey(file, publicPem);
	return { key: parsed.key, keyId: parsed.keyId, publicPem, created };

	function readKeyFile(path: string): string {
		try {
			const { mode, size } = statSync(path);
			if (size > keyFileBytesMax)
				throw new SignError(
					'key-invalid',
					`${path}: expected a key of at most ${keyFileBytesMax} bytes, found ${size}`,
				);
			if ((mode & 0o077) !== 0)
				emit({
					name: 'signing_key_exposed',
					stage: 'sign',
					reason: 'file-mode',
					intentional: false,
					message: `${path}: others on this machine can read the signing key: chmod 600 it`,
					detail: { file: path },
				});
			return readFileSync(path, 'utf8');
		} catch (cause) {
			if (cause instanceof SignError) throw cause;
			throw new SignError('key-unreadable', `${path}: expected a readable private key file (PKCS #8 PEM)`, cause);
		}
	}
}

/** False when the file is there already. Written whole under another name first: nobody ever reads half a key. */
function createKey(file: string): boolean {
	if (existsSync(file)) return false;
	const temporary = `${file}.${process.pid}.tmp`;
	try {
		mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
		const { privateKey } = generateKeyPairSync('ed25519');
		rmSync(temporary, { force: true });
		const fd = openSync(temporary, 'wx', 0o600);
		try {
			writeFileSync(fd, privateKey.export({ type: 'pkcs8', format: 'pem' }));
			fsyncSync(fd);
			// A link, since a rename would replace the key that another process made meanwhile.
			linkSync(temporary, file);
		} finally {
			closeSync(fd);
			rmSync(temporary, { force: true });
		}
	} catch (cause) {
		if (isCode(cause, 'EEXIST')) return false;
		throw new SignError('key-unreadable', `${file}: cannot make a signing key here`, cause);
	}
	return true;
}

/** The public half beside a key that was just made; one that is there stays. */
function writePublicKey(file: string, publicPem: string): void {
	try {
		writeFileSync(`${file}.pub`, publicPem, { mode: 0o644, flag: 'wx' });
	} catch (cause) {
		if (!isCode(cause, 'EEXIST'))
			throw new SignError('key-unreadable', `${file}.pub: cannot write the public key here`, cause);
	}
}

const isCode = (cause: unknown, code: string): boolean =>
	cause instanceof Error && 'code' in cause && cause.code === code;
