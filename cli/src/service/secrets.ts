// Secrets and certificates that the configuration names: read at the start, never shown.
import { readFile, stat } from 'node:fs/promises';
import type { CredentialValues, TlsConfig } from '../config/fields.ts';
import { CliError } from '../errors.ts';
import { fileTrouble } from '../files.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const fileBytesMax = 1024 * 1024;

/** `key` names the configuration key in messages. Throws CliError('config'). */
export async function readNamedFile(key: string, path: string): Promise<string> {
	try {
		if ((await stat(path)).size > fileBytesMax)
			throw new CliError('config', `${key}: ${path}: expected at most ${fileBytesMax} bytes`);
		return await readFile(path, 'utf8');
	} catch (cause) {
		if (cause instanceof CliError) throw cause;
		throw new CliError('config', `${key}: cannot read ${path}: ${fileTrouble(cause)}`, cause);
	}
}

/** undefined when none is configured. `section`: kafka.sasl, redis. Throws CliError('config'). */
export async function readPassword(
	section: string,
	{ passwordFile, passwordEnv }: CredentialValues,
	env: Environment,
): Promise<string | undefined> {
	if (passwordEnv !== undefined) {
		const value = env[passwordEnv];
		if (!value) throw new CliError('config', `${section}.passwordEnv: environment variable ${passwordEnv} is not set`);
		return value;
	}
	return passwordFile === undefined ? undefined : readToken(`${section}.passwordFile`, passwordFile);
}

/** The file's text without the newline that editors add. */
export async function readToken(key: string, path: string): Promise<string> {
	const text = (await readNamedFile(key, path)).replace(/\r?\n$/, '');
	if (text === '' || /[\r\n\0]/.test(text)) throw new CliError('config', `${key}: ${path}: expected one line of text`);
	return text;
}

/** PEM texts. */
export interface TlsMaterial {
	ca?: string;
	cert?: string;
	key?: string;
	serverName?: string;
}

/** undefined: plain text. `section`: kafka.tls, redis.tls. Throws CliError('config'). */
export async function readTls(section: string, tls: TlsConfig | null): Promise<TlsMaterial | undefined> {
	if (tls === null || !tls.enabled) return undefined;
	const { caFile, certFile, keyFile, serverName } = tls;
	return {
		...(caFile === undefined ? {} : { ca: await readPem(`${section}.caFile`, caFile) }),
		...(certFile === undefined ? {} : { cert: await readPem(`${section}.certFile`, certFile) }),
		...(keyFile === undefined ? {} : { key: await readPem(`${section}.keyFile`, keyFile) }),
		...(serverName === undefined ? {} : { serverName }),
	};
}

async function readPem(key: string, path: string): Promise<string> {
	const text = await readNamedFile(key, path);
	if (!text.includes('-----BEGIN ')) throw new CliError('config', `${key}: ${path}: expected PEM`);
	return text;
}
