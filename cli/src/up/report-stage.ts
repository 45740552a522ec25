// Tells of each session once its last statement (the VSA) is signed: keeps its summary and hands it on.
// What was signed before the VSA waits in cells, so that a restart between the two tells of it all the same.
import { join } from 'node:path';
import { runtimeTracePredicateType, vsaPredicateType } from '@affidavit/attest/type-uris.ts';
import { attestationCodec } from '@affidavit/model/codec.ts';
import type { Attestation } from '@affidavit/model/generated/attestation.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import type { Stage, StageWorker, StepResult } from '@affidavit/stream/stage.ts';
import { keepSummary } from '../process/results.ts';
import { sessionObject } from '../process/session-object.ts';
import type { SessionSummary } from '../sessions/summary.ts';
import { readRuntimeTrace } from '../sessions/trace.ts';

export interface ReportDeps {
	dataDir: string;
	outDir: string;
	emit: Emit;
	/** At least once per revision of a session's verdict. */
	tell: (summary: SessionSummary) => void;
}

/** Sessions whose statements are only partly there, at most; beyond, the oldest is told of no more. */
const waitingMax = 10_000;

export const createReportStage = (deps: ReportDeps): Stage => ({
	name: 'report',
	input: 'attestation',
	outputs: [],
	open: async (_partition, cells) => createWorker(deps, cells),
});

function createWorker(deps: ReportDeps, cells: ReadonlyMap<string, Uint8Array>): StageWorker {
	const waiting = new Map<string, Attestation[]>();
	for (const [name, bytes] of cells) waiting.set(name, JSON.parse(Buffer.from(bytes).toString()) as Attestation[]);

	const take = async (record: LogRecord, changed: StepResult['cells']): Promise<void> => {
		const attestation = attestationCodec.decode(record.value);
		const cell = `${attestation.session}/${attestation.revision}`;
		const known = [...(waiting.get(cell) ?? []), attestation];
		if (attestation.predicateType !== vsaPredicateType) {
			waiting.set(cell, known);
			changed.set(cell, Buffer.from(JSON.stringify(known)));
			const oldest = waiting.size > waitingMax ? waiting.keys().next().value : undefined;
			if (oldest === undefined) return;
			waiting.delete(oldest);
			changed.set(oldest, null);
			return;
		}
		waiting.delete(cell);
		changed.set(cell, null);
		const traced = known.find((a) => a.predicateType === runtimeTracePredicateType);
		if (!traced) return;
		try {
			const trace = await readRuntimeTrace(join(deps.outDir, traced.envelope), traced.session, traced.payloadSha256);
			const summary = sessionObject(trace, known, deps.outDir);
			await keepSummary(deps.dataDir, summary);
			deps.tell(summary);
		} catch (error) {
			deps.emit({
				name: 'session_not_told',
				stage: 'report',
				reason: 'statement-unreadable',
				intentional: false,
				message: `session ${traced.session}: ${error instanceof Error ? error.message : String(error)}`,
			});
		}
	};

	return {
		async step(records, replayed): Promise<StepResult> {
			const changed: StepResult['cells'] = new Map();
			if (!replayed) for (const record of records) await take(record, changed);
			const next = (records.at(-1)?.offset ?? -1) + 1;
			return {
				outputs: [],
				cells: changed,
				appends: [],
				deadLetters: [],
				lowWaterOffset: next,
				rebuildOffset: next,
			};
		},
	};
}
