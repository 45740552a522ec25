// The public keys of all services, from one folder that each has: STAGE.pub.pem, and STAGE.ANYTHING.pub.pem while keys are rotated.
import type { KeyObject } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePublicKey } from '@affidavit/attest/keys.ts';
import { CliError } from '../errors.ts';
import { fileTrouble } from '../files.ts';
import { readNamedFile } from './secrets.ts';
import type { ServiceKey } from './service-key.ts';
import { isSealerName, type SealerName, sealerNames } from './services.ts';

export interface TrustedKey {
	publicKey: KeyObject;
	name: SealerName;
	path: string;
}

/** By key id. */
export type TrustedKeys = ReadonlyMap<string, TrustedKey>;

const filesMax = 256;
const ending = '.pub.pem';

/** Throws CliError('config') that names the file: a key that is left out would turn its service's records into dead letters. */
export async function readTrustedKeys(dir: string): Promise<TrustedKeys> {
	let names: string[];
	try {
		names = (await readdir(dir)).filter((name) => name.endsWith(ending)).sort();
	} catch (cause) {
		throw new CliError(
			'config',
			`service.trustedDir: cannot read the folder ${dir}: ${fileTrouble(cause)}; it holds the public keys of all services (docs/services.md)`,
			cause,
		);
	}
	if (names.length > filesMax)
		throw new CliError('config', `service.trustedDir: ${dir}: expected at most ${filesMax} keys`);
	const keys = new Map<string, TrustedKey>();
	for (const file of names) {
		const path = join(dir, file);
		const name = file.slice(0, file.indexOf('.'));
		if (!isSealerName(name))
			throw new CliError(
				'config',
				`service.trustedDir: ${path}: expected a name that begins with one of ${sealerNames.join(', ')} and a dot`,
			);
		const parsed = parsePublicKey(await readNamedFile('service.trustedDir', path), path);
		if (parsed.kind === 'invalid') throw new CliError('config', `service.trustedDir: ${parsed.reason}`);
		if (parsed.key.asymmetricKeyType !== 'ed25519')
			throw new CliError(
				'config',
				`service.trustedDir: ${path}: ${parsed.key.asymmetricKeyType}: expected an ed25519 key`,
			);
		const other = keys.get(parsed.keyId);
		if (other !== undefined && other.name !== name)
			throw new CliError(
				'config',
				`service.trustedDir: ${path} and ${other.path} are one key: expected one for each service`,
			);
		keys.set(parsed.keyId, { publicKey: parsed.key, name, path });
	}
	return keys;
}

/** Throws CliError('key-untrusted'): every record of such a service would be refused by the next one. */
export function checkOwnTrust(trusted: TrustedKeys, own: ServiceKey, name: SealerName, dir: string): void {
	const found = trusted.get(own.keyId);
	if (found?.name === name) return;
	const why = found === undefined ? 'is not there' : `is there as ${found.path}`;
	throw new CliError(
		'key-untrusted',
		`${own.path}: its public key ${why}: expected as ${join(dir, `${name}${ending}`)}, here and at all other services`,
	);
}
