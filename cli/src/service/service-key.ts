// A service's own key: it seals what the service writes.

import type { KeyObject } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePrivateKey } from '@affidavit/attest/keys.ts';
import type { Config } from '../config/schema.ts';
import { CliError } from '../errors.ts';
import { fileTrouble } from '../files.ts';
import { readNamedFile } from './secrets.ts';
import type { SealerName } from './services.ts';

export interface ServiceKey {
	privateKey: KeyObject;
	/** sha256 (hex) of the public key's SPKI PEM text. */
	keyId: string;
	path: string;
}

export const serviceKeyFile = ({ dataDir, service }: Config, name: SealerName): string =>
	service.keyFile ?? join(dataDir, 'keys', `${name}.pem`);

/** Reading by the group is let pass: secrets that an orchestrator mounts for a user that is not root come so. */
const exposedMode = 0o027;

/** Throws CliError (file-missing, key-exposed, key-unreadable). */
export async function readServiceKey(config: Config, name: SealerName): Promise<ServiceKey> {
	const path = serviceKeyFile(config, name);
	let mode: number;
	try {
		mode = (await stat(path)).mode;
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code === 'ENOENT')
			throw new CliError('file-missing', `${path}: no such key; \`affidavit keys service ${name}\` makes one`, cause);
		throw new CliError('key-unreadable', `cannot read ${path}: ${fileTrouble(cause)}`, cause);
	}
	if ((mode & exposedMode) !== 0)
		throw new CliError(
			'key-exposed',
			`${path}: mode ${(mode & 0o777).toString(8)} lets others use the private key; run chmod 600 on it, or make a new one if they have`,
		);
	const parsed = parsePrivateKey(await readNamedFile('service.keyFile', path), path);
	if (parsed.kind === 'invalid') throw new CliError('key-unreadable', parsed.reason);
	if (parsed.key.asymmetricKeyType !== 'ed25519')
		throw new CliError('key-unreadable', `${path}: ${parsed.key.asymmetricKeyType}: expected an ed25519 key`);
	return { privateKey: parsed.key, keyId: parsed.keyId, path };
}
