// Keys of services and hosts, and whose seal counts on what: as `affidavit service` wires it.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { sealersOf } from '@affidavit/cli/service/sealers.ts';
import type { SealerName } from '@affidavit/cli/service/services.ts';
import { keyIdOf } from '@affidavit/model/batch-signature.ts';
import { hostKeysCodec } from '@affidavit/model/codec.ts';
import { createHostDirectory, type HostDirectory } from '@affidavit/model/host-directory.ts';
import { createKeyedSeals, type KeyedSealsOptions } from '@affidavit/stream/seal/keyed-seals.ts';
import type { Seals } from '@affidavit/stream/seal/seal.ts';

export interface TestKey {
	privateKey: KeyObject;
	publicKey: KeyObject;
	keyId: string;
}

export function newKey(): TestKey {
	const { privateKey, publicKey } = generateKeyPairSync('ed25519');
	return { privateKey, publicKey, keyId: keyIdOf(publicKey) };
}

/** The hosts' keys as topic `host` would give them. */
export function directoryOf(hosts: Iterable<{ name: string; publicKey: KeyObject; keyId: string }>): HostDirectory {
	const directory = createHostDirectory();
	for (const { name, publicKey, keyId } of hosts) {
		const key = {
			keyId,
			publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }) as string,
			validFromUs: 0,
			validToUs: -1,
			revokedUs: -1,
			revokedReason: '',
			enrolledBy: 'test',
		};
		const taken = directory.take({ key: name, value: hostKeysCodec.encode({ host: name, keys: [key] }) });
		if (taken.kind !== 'enrolled') throw new Error(`host ${name}: ${JSON.stringify(taken)}`);
	}
	return directory;
}

export interface FleetKeys {
	services: Readonly<Record<SealerName, TestKey>>;
	directory: HostDirectory;
	/** Who signs with `own` and trusts all services and hosts; null: who only reads. */
	seals(own: TestKey | null): Seals;
}

export function fleetKeys(directory: HostDirectory): FleetKeys {
	const services = {
		correlate: newKey(),
		detect: newKey(),
		sign: newKey(),
		alert: newKey(),
		operator: newKey(),
	};
	const trusted = new Map(
		Object.entries(services).map(([name, { publicKey, keyId }]) => [
			keyId,
			{ publicKey, name: name as SealerName, path: '' },
		]),
	);
	const resolve: KeyedSealsOptions['resolve'] = sealersOf(trusted, directory);
	return { services, directory, seals: (own) => createKeyedSeals({ own, resolve }) };
}
