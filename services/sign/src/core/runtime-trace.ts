// Our own predicate: everything that was seen, with its assurance (schemas/predicates/runtime-trace-v0.1.schema.json).
import type { RuntimeTrace, TracedProcess } from '@affidavit/attest/generated/runtime-trace-v0.1.ts';
import type { Statement } from '@affidavit/attest/statement.ts';
import { runtimeTracePredicateType, statementTypeV1 } from '@affidavit/attest/type-uris.ts';
import type { ExitFact, ProcessFact } from '@affidavit/model/generated/session.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import type { GatheredSession } from './gathered.ts';
import type { SignLimits } from './limits.ts';
import { sessionSubjects } from './session-subjects.ts';

export function runtimeTraceStatement(
	session: GatheredSession,
	verdict: Verdict,
	limits: SignLimits,
): Statement<RuntimeTrace> {
	const { facts, files, fileCount, pathCount, log } = session;
	const { opened, closed } = facts;
	const max = limits.listedFactsMax;
	const over = (list: readonly unknown[]): number => Math.max(0, list.length - max);
	const predicate: RuntimeTrace = {
		session: {
			id: verdict.session,
			host: opened.host,
			boot: opened.boot,
			matcher: opened.matcher,
			step: opened.step,
			workspace: opened.workspace,
			rootExecId: opened.rootExecId,
			startedUs: opened.timeUs,
			closedUs: closed.timeUs,
			closeReason: closed.reason,
			events: closed.events,
			workspaceWatched: closed.workspaceWatched,
			hooks: closed.hooks,
		},
		claims: {
			ciRunId: opened.ciRunId,
			jobKey: opened.jobKey,
			repository: opened.repository,
			commit: opened.commit,
		},
		judgedAgainst: {
			ruleSet: verdict.ruleSet,
			indicatorSet: verdict.indicatorSet,
			manifest: verdict.manifest,
			manifestNote: verdict.manifestNote,
			repository: verdict.repository,
			commit: verdict.commit,
		},
		verdict: {
			value: verdict.verdict,
			revision: verdict.revision,
			findings: verdict.findings,
			completeness: verdict.completeness,
		},
		counts: {
			processes: facts.processes.length,
			files: fileCount,
			paths: pathCount,
			connections: facts.connections.length,
			ptraces: facts.ptraces.length,
			products: facts.products.length,
		},
		processes: facts.processes.slice(0, max).map((p) => tracedProcess(p, facts.exits.get(p.execId))),
		files,
		connections: facts.connections.slice(0, max),
		ptraces: facts.ptraces.slice(0, max),
		gaps: facts.gaps.slice(0, max),
		notes: facts.notes.slice(0, max),
		products: facts.products.slice(0, max),
		omitted: {
			processes: over(facts.processes),
			files: fileCount - files.length,
			connections: over(facts.connections),
			ptraces: over(facts.ptraces),
			gaps: over(facts.gaps),
			notes: over(facts.notes),
			products: over(facts.products),
		},
		dropped: facts.dropped,
		log,
	};
	return {
		_type: statementTypeV1,
		subject: sessionSubjects(session, verdict),
		predicateType: runtimeTracePredicateType,
		predicate,
	};
}

export function tracedProcess(process: ProcessFact, exit: ExitFact | undefined): TracedProcess {
	return {
		...process,
		exit: exit ? { timeUs: exit.timeUs, status: exit.status, signal: exit.signal } : null,
	};
}
