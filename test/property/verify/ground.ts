// The ground that changes start from: a policy of two steps, and envelopes of which the test itself signed each, once.
import { createHash } from 'node:crypto';
import { gitType, materialType, productType } from '@affidavit/attest/type-uris.ts';
import { commandRun, compiler, digestOf, git, material, product } from '../../interop/policy-matrix/attestors.ts';
import type { Inputs } from '../../interop/policy-matrix/case.ts';
import type { CollectionSpec, EnvelopeFields, Maker } from '../../interop/policy-matrix/maker.ts';
import { createMaker } from '../../interop/policy-matrix/maker.ts';

export const commandRunType = 'https://witness.dev/attestations/command-run/v0.1';

export const rule = `package trace_demo
deny[msg] {
  input.processes[_].programdigest.sha256 == "${digestOf('trojan')}"
  msg := "Malicious Compiler"
}
`;

export interface Ground {
	maker: Maker;
	inputs: Inputs;
	/** sha256 of the payloads that the builder signed and the policy accepts, by step, with their bytes. */
	good: Map<string, { step: string; payload: Buffer }>;
	/** sha256 of the one policy that the owner signed. */
	policySha256: string;
}

export const fetchSpec: CollectionSpec = {
	name: 'fetch',
	file: 'fetch.json',
	attestations: [git(), product({ 'main.c': 'main' })],
};
export const buildSpec: CollectionSpec = {
	name: 'build',
	file: 'build.json',
	attestations: [git(), material({ 'main.c': 'main' }), commandRun(), product({ app: 'app' })],
};
const deniedSpec: CollectionSpec = {
	name: 'build',
	file: 'denied.json',
	attestations: [git(), material({ 'main.c': 'main' }), commandRun([compiler('trojan')]), product({ app: 'app' })],
};
const mismatchingSpec: CollectionSpec = {
	name: 'build',
	file: 'mismatching.json',
	attestations: [git(), material({ 'main.c': 'evil' }), commandRun(), product({ app: 'app' })],
};

export const steps = [
	{ name: 'fetch', types: [gitType, productType] },
	{ name: 'build', types: [materialType, commandRunType, productType], rego: [rule], artifactsFrom: ['fetch'] },
];

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
export const payloadOf = (envelope: Uint8Array): Buffer =>
	Buffer.from((JSON.parse(Buffer.from(envelope).toString()) as EnvelopeFields).payload, 'base64');

/** `which`: files that are given: the good ones, or bad ones whose acceptance would be wrong. */
export async function ground(which: 'good' | 'bad'): Promise<Ground> {
	const maker = createMaker('property', Date.UTC(2026, 10, 23));
	const stranger = { key: maker.key('ed25519', 'stranger') };
	const collections =
		which === 'good'
			? [fetchSpec, buildSpec]
			: [fetchSpec, deniedSpec, mismatchingSpec, { ...buildSpec, file: 'strange.json', signers: [stranger] }];
	const inputs = await maker.given({ steps, collections });
	const good: Ground['good'] = new Map();
	for (const { name, bytes } of inputs.attestations)
		if (name === 'fetch.json' || name === 'build.json') {
			const payload = payloadOf(bytes);
			good.set(sha256(payload), { step: name.slice(0, -'.json'.length), payload });
		}
	return { maker, inputs, good, policySha256: sha256(payloadOf(inputs.policy)) };
}
