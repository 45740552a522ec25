// Whose seal counts on which record.
import type { HostDirectory } from '@affidavit/model/host-directory.ts';
import type { KeyedSealsOptions, Sealer } from '@affidavit/stream/seal/keyed-seals.ts';
import { hostMayWrite, mayWrite } from './services.ts';
import type { TrustedKeys } from './trusted-keys.ts';

/** `hosts` null: who reads no dead letters needs no hosts' keys. */
export function sealersOf(
	trusted: TrustedKeys,
	hosts: Pick<HostDirectory, 'resolve'> | null,
): KeyedSealsOptions['resolve'] {
	const ofServices = new Map<string, Sealer>();
	for (const [keyId, { publicKey, name }] of trusted)
		ofServices.set(keyId, { publicKey, writes: (topic, originStage) => mayWrite(name, topic, originStage) });
	return (keyId) => {
		const service = ofServices.get(keyId);
		if (service !== undefined) return service;
		// No host has an empty name: the directory answers whose key it is.
		const owner = hosts?.resolve('', keyId, -1);
		if (owner?.kind !== 'wrong-host') return undefined;
		const { publicKey, owner: host } = owner;
		return {
			publicKey,
			// Asked for each record: the key may have been revoked since.
			writes: (topic, originStage) =>
				hostMayWrite(host, topic, originStage) && hosts?.resolve(host, keyId, -1).kind === 'ok',
		};
	};
}
