// Every attestation type that go-witness 0.12 registers on Linux. An attestation of any other type makes the real engine
// refuse the whole run, and so do we.

import { artifactTypes } from './artifacts.ts';
import type { AttestorType } from './attestor.ts';
import { buildTypes } from './build.ts';
import { ciTypes } from './ci.ts';
import { hostTypes } from './host.ts';

const byType: ReadonlyMap<string, AttestorType> = new Map(
	[...buildTypes, ...ciTypes, ...artifactTypes, ...hostTypes].flatMap((entry) =>
		entry.types.map((type): [string, AttestorType] => [type, entry]),
	),
);

export const attestorType = (type: string): AttestorType | undefined => byType.get(type);

/** All registered URIs, for messages and for `policy check`. */
export const knownTypes: readonly string[] = [...byType.keys()].sort();
