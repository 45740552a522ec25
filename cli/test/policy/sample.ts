// A policy without a fault, made of keys and certificates that the test makes, to spoil one thing at a time.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { keyIdOf, publicKeyPem } from '@affidavit/attest/keys.ts';
import { commandRunType, gitType, materialType } from '@affidavit/attest/type-uris.ts';

export const nowMs: number = Date.parse('2026-11-23T00:00:00Z');
export const base64 = (text: string): string => Buffer.from(text).toString('base64');
export const goodRule = 'package rules\n\ndeny[msg] {\n\tinput.exitcode != 0\n\tmsg := "the build failed"\n}\n';

export interface SampleFunctionary {
	type?: string;
	publickeyid?: string;
	certConstraint?: Record<string, unknown>;
}
export interface SampleStep {
	name: string;
	functionaries: SampleFunctionary[];
	attestations: { type: string; regopolicies?: { name: string; module: string; required?: boolean }[] }[];
	artifactsFrom?: string[];
}
export interface SamplePolicy {
	expires: string;
	publickeys: Record<string, { keyid: string; key: string }>;
	roots?: Record<string, { certificate: string; intermediates?: string[] }>;
	timestampauthorities?: Record<string, { certificate: string }>;
	steps: Record<string, SampleStep>;
}

export const sampleKey = (): { privateKey: KeyObject; publicKey: KeyObject; keyid: string; pem: string } => {
	const { privateKey, publicKey } = generateKeyPairSync('ed25519');
	return { privateKey, publicKey, keyid: keyIdOf(publicKey), pem: publicKeyPem(publicKey) };
};

export function samplePolicy(rule: string = goodRule, key: { keyid: string; pem: string } = sampleKey()): SamplePolicy {
	const functionaries = [{ type: 'publickey', publickeyid: key.keyid }];
	return {
		expires: '2027-11-23T00:00:00Z',
		publickeys: { [key.keyid]: { keyid: key.keyid, key: base64(key.pem) } },
		steps: {
			fetch: { name: 'fetch', functionaries, attestations: [{ type: gitType }] },
			build: {
				name: 'build',
				functionaries,
				attestations: [
					{ type: materialType },
					{ type: commandRunType, regopolicies: [{ name: 'exit', module: base64(rule) }] },
				],
				artifactsFrom: ['fetch'],
			},
		},
	};
}
