// The Witness collection of a session (formats.md 3.1, 3.2).
import type {
	CollectedAttestation,
	DigestSet,
	Product,
	WitnessCollection,
} from '@affidavit/attest/generated/witness-collection-v0.1.ts';
import type { Statement, Subject } from '@affidavit/attest/statement.ts';
import { commitSubject, productSubject } from '@affidavit/attest/subjects.ts';
import {
	collectionPredicateType,
	commandRunType,
	gitType,
	materialType,
	productType,
	statementTypeV01,
} from '@affidavit/attest/type-uris.ts';
import type { ProductFact } from '@affidavit/model/generated/session.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import { relativeTo } from '@affidavit/model/paths.ts';
import { commandRun } from './command-run.ts';
import { rfc3339 } from './event-time.ts';
import type { GatheredSession } from './gathered.ts';
import type { SignLimits } from './limits.ts';
import { signedVerdict } from './signed-verdict.ts';

/** Only a passed session whose processes are all in the collection has the step's name: stock Witness accepts that one only. */
export function collectionName(step: string, verdict: Verdict['verdict'], whole: boolean): string {
	if (verdict === 'passed') return whole ? step : `${step}.incomplete`;
	return `${step}.${verdict}`;
}

export function collectionStatement(
	session: GatheredSession,
	verdict: Verdict,
	limits: SignLimits,
): Statement<WitnessCollection> {
	const { facts, materials, openedFiles, executions } = session;
	const run = commandRun(facts, executions, openedFiles, limits.collectedProcessesMax);
	const products = productsWithDigests(facts.products, facts.opened.workspace);
	const times = { starttime: rfc3339(facts.opened.timeUs), endtime: rfc3339(facts.closed.timeUs) };
	const attestations: CollectedAttestation[] = [];
	const attest = (type: string, attestation: CollectedAttestation['attestation']): void => {
		attestations.push({ type, attestation, ...times });
	};
	// Only a commit that the manifest resolved; a claimed one stays in the runtime trace, among the claims.
	const commit = verdict.manifest === '' ? '' : verdict.commit;
	if (commit !== '')
		attest(gitType, { commithash: commit, ...(commit.length === 40 ? { commitdigest: { sha1: commit } } : {}) });
	attest(materialType, digestSets(materials.digests));
	attest(commandRunType, run.attestation);
	attest(productType, productRecords(products));
	const subject: Subject[] = products.map((p) => productSubject(p.path, p.sha256));
	if (commit !== '') subject.push(commitSubject(commit));
	const whole = run.omitted === 0 && facts.dropped === 0 && executions.omitted() === 0;
	return {
		_type: statementTypeV01,
		subject,
		predicateType: collectionPredicateType,
		predicate: {
			name: collectionName(facts.opened.step, verdict.verdict, whole),
			attestations,
			affidavit: {
				session: verdict.session,
				revision: verdict.revision,
				verdict: signedVerdict(verdict, facts),
				omitted: { materials: materials.omitted, processes: run.omitted, openedfiles: openedFiles.omitted },
			},
		},
	};
}

export interface DigestedProduct {
	/** Workspace-relative. */
	path: string;
	sha256: string;
}

/** Products that can be a subject: their digest is known. */
export const productsWithDigests = (products: readonly ProductFact[], workspace: string): DigestedProduct[] =>
	products.filter((p) => p.digest !== '').map((p) => ({ path: relativeTo(p.path, workspace), sha256: p.digest }));

function digestSets(digests: ReadonlyMap<string, string>): Record<string, DigestSet> {
	const record: Record<string, DigestSet> = Object.create(null);
	for (const [path, sha256] of digests) record[path] = { sha256 };
	return record;
}

function productRecords(products: readonly DigestedProduct[]): Record<string, Product> {
	const record: Record<string, Product> = Object.create(null);
	for (const { path, sha256 } of products) record[path] = { mime_type: 'application/octet-stream', digest: { sha256 } };
	return record;
}
