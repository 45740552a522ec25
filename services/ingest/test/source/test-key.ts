import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type HostKey, keyIdOf } from '@affidavit/model/batch-signature.ts';

export function testKey(): HostKey & { publicKey: KeyObject } {
	const { privateKey, publicKey } = generateKeyPairSync('ed25519');
	return { privateKey, publicKey, keyId: keyIdOf(publicKey) };
}
