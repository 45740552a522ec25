// The object that `process --json` prints for a session (docs/process-json.md), made from what was signed for it.
import { isAbsolute, join, resolve } from 'node:path';
import type { RuntimeTrace } from '@affidavit/attest/generated/runtime-trace-v0.1.ts';
import type { Attestation } from '@affidavit/model/generated/attestation.ts';
import { relativeTo } from '@affidavit/model/paths.ts';
import type { SessionSummary } from '../sessions/summary.ts';

const rfc3339 = (timeUs: number): string => {
	const ms = Math.floor(timeUs / 1000);
	const us = String(timeUs - ms * 1000).padStart(3, '0');
	return new Date(ms).toISOString().replace('Z', `${us}Z`);
};

const orNull = (text: string): string | null => (text === '' ? null : text);

/** `attestations`: those of the session's latest revision, in the order in which they were signed. */
export function sessionObject(
	trace: RuntimeTrace,
	attestations: readonly Attestation[],
	outDir: string,
): SessionSummary {
	const { session, claims, verdict, counts } = trace;
	const root = trace.processes.find((p) => p.execId === session.rootExecId);
	const { completeness } = verdict;
	return {
		session: session.id,
		host: session.host,
		ciRunId: orNull(claims.ciRunId),
		root: {
			execId: session.rootExecId,
			pid: root?.pid ?? -1,
			binary: root?.binary ?? '',
			arguments: root?.arguments ?? '',
		},
		startedAt: rfc3339(session.startedUs),
		endedAt: rfc3339(session.closedUs),
		verdict: verdict.value,
		findings: verdict.findings.map((f) => ({
			id: f.id,
			rule: f.rule,
			title: f.title,
			severity: f.severity,
			path: f.path,
			digest: f.digest,
			expectedDigest: f.expectedDigest,
			process: f.process,
			writer: f.writer,
			products: f.products,
			attack: f.attack,
			explanation: f.explanation,
			firstAt: rfc3339(f.firstUs),
			lastAt: rfc3339(f.lastUs),
			count: f.count,
		})),
		products: trace.products.map((p) => ({
			path: relativeTo(p.path, session.workspace),
			sha256: orNull(p.digest),
		})),
		completeness: {
			...completeness,
			lossCounters: completeness.lossCounters === 'known' ? 'known' : 'unknown',
		},
		counts: {
			events: session.events,
			processes: counts.processes,
			files: counts.paths,
			connections: counts.connections,
		},
		statements: attestations.map((a) => ({
			predicateType: a.predicateType,
			envelope: isAbsolute(a.envelope) ? a.envelope : resolve(join(outDir, a.envelope)),
			payloadSha256: a.payloadSha256,
		})),
		claims: { repository: orNull(claims.repository), commit: orNull(claims.commit) },
		judgedAgainst: {
			repository: orNull(trace.judgedAgainst.repository),
			commit: orNull(trace.judgedAgainst.commit),
			note: orNull(trace.judgedAgainst.manifestNote),
		},
		workspace: session.workspace,
		step: session.step,
		revision: verdict.revision,
	};
}
