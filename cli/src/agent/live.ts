// The agent on a live source: reads, spools and forwards until it is stopped.
import { join } from 'node:path';
import { readBootId } from '@affidavit/ingest/agent/boot-id.ts';
import { recoverChain } from '@affidavit/ingest/agent/chain-recovery.ts';
import { chainAfterCut, chainAfterLoss } from '@affidavit/ingest/agent/chain-start.ts';
import { type LiveIngestOptions, type LiveObservation, runLiveIngest } from '@affidavit/ingest/agent/live-ingest.ts';
import { decodeLiveState, liveCell } from '@affidavit/ingest/agent/live-state.ts';
import { openQuarantine, quarantineLimits } from '@affidavit/ingest/agent/quarantine.ts';
import type { Spool } from '@affidavit/ingest/agent/spool.ts';
import { scrapeMetrics } from '@affidavit/ingest/loss/scrape.ts';
import { createRedactor } from '@affidavit/ingest/redact/redactor.ts';
import type { LiveSource } from '@affidavit/ingest/source/live-source.ts';
import type { ChainState } from '@affidavit/model/batch-signature.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import { openSource, type SourceWriter } from '@affidavit/stream/runner/source.ts';
import { type AgentIdentity, noteChain } from './identity.ts';
import type { AgentRun, AgentWork } from './run.ts';
import { liveSourceOf } from './source.ts';

const nowUs = (): number => Date.now() * 1000;

/** Another number for each spool of a host, below 2^31. */
export const liveEpoch = (): number => Math.trunc(Date.now() / 1000) % 2 ** 31;

export const readBoot = async (): Promise<string> => (await readBootId()) ?? 'unknown';

/** Opened before anything is read. Throws CliError on a wrong source. */
export async function openLive(run: AgentRun, identity: AgentIdentity, spool: Spool): Promise<AgentWork> {
	const { config, emit } = run;
	const source = liveSourceOf(config, nowUs, emit);
	const writer = await openSource(
		{ stage: 'ingest', partition: spool.epoch },
		{ log: spool.log, store: spool.store, emit },
		{ signal: run.signal },
	);
	const cell = writer.cells.get(liveCell);
	const keptHost = cell === undefined ? '' : decodeLiveState(cell).host;
	const host = config.agent.host ?? '';
	const chain = await chainOf(spool, writer, host, identity, emit);
	const boot = await readBoot();
	const { metricsUrl } = config.source ?? {};
	const quarantine = await openQuarantine(join(config.dataDir, 'quarantine'), emit, {
		...quarantineLimits,
		bytes: config.limits.quarantineBytesMax,
	});
	let last: LiveObservation | null = null;
	let open: LiveSource | null = null;
	return {
		source: source.name,
		host: () => last?.host || host || keptHost,
		observation: () => last,
		lagBytes: async () => (await open?.lagBytes?.()) ?? null,
		async run(signal, pacer) {
			await runLiveIngest({
				openSource: (checkpoint) => {
					open = source.openSource(checkpoint);
					return open;
				},
				decoder: source.decoder,
				redact: createRedactor(),
				key: identity.key,
				writer,
				host,
				boot,
				...chain,
				hooks: [],
				scrape: metricsUrl === undefined ? null : (abort) => scrapeMetrics(metricsUrl, abort),
				quarantine,
				nowUs,
				emit,
				signal,
				pacer,
				observe: (observation) => {
					last = observation;
				},
			});
			return null;
		},
	};
}

/** Where the chain goes on. What was lost of it is told here, and shows downstream as a hole. */
async function chainOf(
	spool: Spool,
	writer: SourceWriter,
	host: string,
	identity: AgentIdentity,
	emit: Emit,
): Promise<Pick<LiveIngestOptions, 'recoveredChain' | 'resumeChain'>> {
	const began = await noteChain(identity, emit);
	const lost = (reason: string, message: string): void =>
		emit({ name: 'chain_interrupted', stage: 'ingest', reason, intentional: false, message });
	if (spool.cutShort) {
		lost(
			'machine-went-down',
			'the machine went down while the spool was in use: its last commits may be lost, so the chain goes on after a hole (agent.spoolFsync: power avoids that)',
		);
		return { recoveredChain: null, resumeChain: (kept) => chainAfterCut(kept, Date.now()) };
	}
	if (!writer.fresh || !began) return { recoveredChain: null };
	// The store is gone: what the log still holds of the chain is as good.
	const found: ChainState | null = await recoverChain(spool.log, host || (await lastHost(spool)), identity.key);
	if (found !== null) return { recoveredChain: found };
	lost(
		'spool-lost',
		'this host has sent batches before, and the spool that knew of them is gone: the chain goes on after a hole',
	);
	return { recoveredChain: chainAfterLoss(Date.now()) };
}

async function lastHost({ log }: Spool): Promise<string> {
	const { start, end } = await log.bounds('trace', 0);
	if (end === start) return '';
	const [record] = await log.read('trace', 0, end - 1, { records: 1, bytes: 1 });
	return record?.key ?? '';
}
