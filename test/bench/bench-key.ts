// One host key for all benchmarks of a run.
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { type HostKey, keyIdOf } from '@affidavit/model/batch-signature.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const publicKey = createPublicKey(privateKey);
const host: HostKey = { privateKey, keyId: keyIdOf(publicKey) };

export const benchKey = { host, publicKey, privateKey };
