import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Statement } from '@affidavit/attest/statement.ts';
import type { Facts } from '@affidavit/model/facts.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import { manifestBytes } from '@affidavit/model/manifest.ts';
import { createMemoryBlobs } from '@affidavit/stream/memory/blobs.ts';
import type { Blobs } from '@affidavit/stream/ports.ts';
import type { SignLimits } from '../src/core/limits.ts';
import { defaultLimits } from '../src/core/limits.ts';
import type { DeriveResult } from '../src/derive.ts';
import { deriveStatements } from '../src/derive.ts';
import { chainOf, manifest, stream, verdictFor } from './session-builder.ts';

export interface Derived {
	result: DeriveResult;
	/** Name → payload text. */
	payloads: Map<string, string>;
	statements: Map<string, Statement>;
	blobs: Blobs;
	/** Names of temporary files that were left behind. */
	leftovers: string[];
}

/** Derives the statements of a session cut into the given batches. */
export async function derive(
	pieces: readonly Facts[],
	over: Partial<Verdict> = {},
	limits: Partial<SignLimits> = {},
	mangle: (batches: Uint8Array[]) => Uint8Array[] = (b) => b,
): Promise<Derived> {
	const folder = mkdtempSync(join(tmpdir(), 'affidavit-sign-'));
	try {
		const blobs = createMemoryBlobs();
		await blobs.put(manifestBytes(manifest()).bytes);
		const chain = chainOf(pieces);
		const payloads = new Map<string, string>();
		const statements = new Map<string, Statement>();
		const result = await deriveStatements(
			verdictFor(chain, over),
			{ batches: stream(mangle(chain.batches)), blobs, limits: { ...defaultLimits, ...limits }, folder },
			async (s) => {
				payloads.set(s.name, s.bytes.toString('utf8'));
				statements.set(s.name, JSON.parse(s.bytes.toString('utf8')));
			},
		);
		return { result, payloads, statements, blobs, leftovers: readdirSync(folder) };
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

/** The predicate of one of the statements; fails the test when there is no such statement. */
export function predicateOf<P>(statements: ReadonlyMap<string, Statement>, name: string): P {
	const statement = statements.get(name);
	if (!statement) throw new Error(`no statement ${name}`);
	return statement.predicate as P;
}
