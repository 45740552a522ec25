// From a verdict to its statements: the same bytes for the same facts, verdict and manifest.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Statement } from '@affidavit/attest/statement.ts';
import { statementBytes } from '@affidavit/attest/statement.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import type { Manifest } from '@affidavit/model/manifest.ts';
import type { Blobs } from '@affidavit/stream/ports.ts';
import { collectionStatement } from './core/collection.ts';
import type { GatheredSession, IndexedDigest } from './core/gathered.ts';
import { indexStatements } from './core/index-statement.ts';
import type { SignLimits } from './core/limits.ts';
import { runtimeTraceStatement } from './core/runtime-trace.ts';
import { summaryStatement } from './core/verification-summary.ts';
import { gatherSession } from './gather.ts';
import type { DigestSorter } from './index-digests.ts';
import { createDigestSorter } from './index-digests.ts';

export interface DerivedStatement {
	/** File name without ending: collection, runtime-trace, index, index-2, …, vsa. */
	name: string;
	predicateType: string;
	/** Canonical payload. */
	bytes: Buffer;
	/** sha256 of the payload, hex. */
	sha256: string;
	subjects: number;
	/** Name of the step. */
	step: string;
}

export interface DeriveDeps {
	/** The session's fact batches in order; more than the verdict names are ignored. */
	batches: AsyncIterable<Uint8Array>;
	blobs: Blobs;
	limits: SignLimits;
	/** Folder for temporary files; made when absent, left empty. */
	folder: string;
}

export type DeriveResult =
	| { kind: 'derived'; session: GatheredSession }
	| { kind: 'refused'; code: 'facts-mismatch' | 'manifest-missing'; reason: string };

/** Hands each statement to `each`, one after the other (one is in memory at a time); nothing before all facts are checked. */
export async function deriveStatements(
	verdict: Verdict,
	deps: DeriveDeps,
	each: (statement: DerivedStatement) => Promise<void>,
): Promise<DeriveResult> {
	const manifest = await readManifest(verdict, deps.blobs);
	if (manifest === 'missing')
		return { kind: 'refused', code: 'manifest-missing', reason: `manifest: no blob ${verdict.manifest}` };
	mkdirSync(deps.folder, { recursive: true, mode: 0o700 });
	const folder = mkdtempSync(join(deps.folder, 'sign-'));
	const digests = createDigestSorter(folder, deps.limits.runItemsMax);
	try {
		const gathered = await gatherSession(verdict, { ...deps, manifest, folder, digests });
		if (gathered.kind === 'mismatch') return { kind: 'refused', code: 'facts-mismatch', reason: gathered.reason };
		await eachStatement(verdict, gathered.session, digests, deps.limits, each);
		return { kind: 'derived', session: gathered.session };
	} finally {
		digests.dispose();
		rmSync(folder, { recursive: true, force: true });
	}
}

async function readManifest(verdict: Verdict, blobs: Blobs): Promise<Manifest | null | 'missing'> {
	if (verdict.manifest === '') return null;
	const bytes = await blobs.get(verdict.manifest);
	// The blob's digest is checked by the store and named by the verdict: it is what detect wrote.
	return bytes ? (JSON.parse(Buffer.from(bytes).toString('utf8')) as Manifest) : 'missing';
}

async function eachStatement(
	verdict: Verdict,
	session: GatheredSession,
	digests: DigestSorter,
	limits: SignLimits,
	each: (statement: DerivedStatement) => Promise<void>,
): Promise<void> {
	const { step } = session.facts.opened;
	const inputs: { predicateType: string; payloadSha256: string }[] = [];
	const give = async (name: string, statement: Statement, stepName: string = step): Promise<string> => {
		const { bytes, sha256 } = statementBytes(statement);
		const { predicateType, subject } = statement;
		await each({ name, predicateType, bytes, sha256, subjects: subject.length, step: stepName });
		inputs.push({ predicateType, payloadSha256: sha256 });
		return sha256;
	};
	const collection = collectionStatement(session, verdict, limits);
	await give('collection', collection, collection.predicate.name);
	const runtimeTraceSha256 = await give('runtime-trace', runtimeTraceStatement(session, verdict, limits));
	const context = {
		verdict,
		step,
		runtimeTraceSha256,
		products: session.facts.products
			.filter((p) => p.digest !== '')
			.map((p): IndexedDigest => ({ digest: p.digest, role: 'product', path: p.path })),
		subjectsMax: limits.indexSubjectsMax,
	};
	let part = 0;
	for (const statement of indexStatements(context, digests.merged())) {
		part++;
		await give(part === 1 ? 'index' : `index-${part}`, statement);
	}
	await give('vsa', summaryStatement(session, verdict, inputs));
}
