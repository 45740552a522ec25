// Reads the outcome of a drained pipeline back from its log: one object per session, latest revision, ordered by start.
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runtimeTracePredicateType } from '@affidavit/attest/type-uris.ts';
import { attestationCodec } from '@affidavit/model/codec.ts';
import type { Attestation } from '@affidavit/model/generated/attestation.ts';
import type { Log } from '@affidavit/stream/ports.ts';
import { readTopic } from '@affidavit/stream/runner/read-topic.ts';
import { CliError } from '../errors.ts';
import { makeFolder } from '../files.ts';
import { sessionsDir } from '../sessions/store.ts';
import type { SessionSummary } from '../sessions/summary.ts';
import { readRuntimeTrace } from '../sessions/trace.ts';
import { sessionObject } from './session-object.ts';

/** Rejects with CliError when an envelope that the log names is not in the attestations folder. */
export async function readResults(log: Log, outDir: string): Promise<SessionSummary[]> {
	const latest = new Map<string, { revision: number; attestations: Map<string, Attestation> }>();
	for await (const { value } of readTopic(log, 'attestation')) {
		const attestation = attestationCodec.decode(value);
		const { session, revision, envelope } = attestation;
		const known = latest.get(session);
		if (known && known.revision > revision) continue;
		const kept = known && known.revision === revision ? known : { revision, attestations: new Map() };
		// The same record may lie there twice: appending is at least once.
		kept.attestations.set(envelope, attestation);
		latest.set(session, kept);
	}
	const summaries: SessionSummary[] = [];
	for (const [session, { attestations }] of latest) {
		const all = [...attestations.values()];
		const traced = all.find((a) => a.predicateType === runtimeTracePredicateType);
		if (!traced) throw new CliError('session-unreadable', `session ${session}: no runtime-trace statement was signed`);
		const trace = await readRuntimeTrace(join(outDir, traced.envelope), session, traced.payloadSha256);
		summaries.push(sessionObject(trace, all, outDir));
	}
	return summaries.sort((a, b) =>
		a.startedAt < b.startedAt || (a.startedAt === b.startedAt && a.session < b.session) ? -1 : 1,
	);
}

/** Keeps the object where `sessions` and `session show` find it. */
export async function keepSummary(dataDir: string, summary: SessionSummary): Promise<void> {
	const folder = sessionsDir(dataDir);
	await makeFolder(folder, 0o700);
	const path = join(folder, `${summary.session}.json`);
	const temporary = `${path}.${process.pid}.tmp`;
	await writeFile(temporary, `${JSON.stringify(summary)}\n`, { mode: 0o600 });
	await rename(temporary, path);
}
