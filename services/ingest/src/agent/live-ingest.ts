// The live agent: pulls from a source that goes on for ever, commits batches with the source's checkpoint, sends heartbeats,
// scrapes the sensor's loss counters. Ends with its signal.
import { type ChainState, chainStart, type HostKey } from '@affidavit/model/batch-signature.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import { liveBatchLimits } from '../batch/batcher.ts';
import type { Decoder } from '../decode-result.ts';
import type { Scrape } from '../loss/scrape.ts';
import type { Redact } from '../source/dead-letter.ts';
import { disconnectedCounter, type LivePull, type LiveSource } from '../source/live-source.ts';
import type { CheckpointWriter } from '../source/source-writer.ts';
import { createBehindWatch } from './behind-watch.ts';
import { createClockWatch } from './clock-watch.ts';
import { createLiveCore, type LiveCore, type LiveCounts, type LiveLimits } from './live-core.ts';
import { decodeLiveState, type LiveState, liveCell, newLiveState, sourceCell } from './live-state.ts';
import type { Pacer } from './pacer.ts';
import type { Quarantine } from './quarantine.ts';

export interface LiveIngestLimits extends LiveLimits {
	/** Microseconds between two scrapes of the loss counters. */
	scrapeUs: number;
}

export const liveIngestLimits: LiveIngestLimits = {
	batch: liveBatchLimits,
	heartbeatUs: 1_000_000,
	deadLetters: 100,
	scrapeUs: 5_000_000,
};

export interface LiveIngestOptions {
	/** Opens the source at the checkpoint that was committed last; null at the first start. */
	openSource: (checkpoint: Uint8Array | null) => LiveSource;
	decoder: Decoder;
	redact: Redact;
	key: HostKey;
	/** openSource of packages/stream; its scope names this agent. */
	writer: CheckpointWriter;
	/** Node name; empty: the one of the first event. Events of other names are dead-lettered: an agent speaks for its own host. */
	host: string;
	/** Boot id of this host. */
	boot: string;
	/** Where the chain goes on when the checkpoint is lost (recoverChain); null: from the start. */
	recoveredChain: ChainState | null;
	/** Where a kept chain goes on; absent: where it stood. */
	resumeChain?: (kept: ChainState) => ChainState;
	/** Hooks of the loaded policies, as far as known. */
	hooks: readonly string[];
	/** Null: there is no metrics endpoint, the loss counters are unknown. */
	scrape: ((signal: AbortSignal) => Promise<Scrape>) | null;
	quarantine: Quarantine | null;
	/** Microseconds since 1970. */
	nowUs: () => number;
	/** Microseconds of a clock that is never set; against it a step of `nowUs` shows. Default: the process's. */
	monotonicUs?: () => number;
	emit: Emit;
	signal: AbortSignal;
	limits?: LiveIngestLimits;
	/** Keeps to a share of the CPU; absent: no bound. */
	pacer?: Pick<Pacer, 'pace' | 'waitedMs'>;
	/** After each pull, for metrics. */
	observe?: (observation: LiveObservation) => void;
}

export interface LiveObservation extends LiveCounts {
	/** True when the source had nothing more. */
	idle: boolean;
	/** Event time of the last event, microseconds; -1 before the first. */
	lastEventUs: number;
	/** Milliseconds since the source last ran dry; 0 while it does. */
	behindMs: number;
}

/** Clock steps count as a gap: what happened meanwhile cannot be ordered. */
export const clockStepCounter = 'affidavit_clock_step';

/** `stopped`: by the signal; what was read is committed, or will be read again. */
export type LiveIngestResult = { kind: 'stopped' } & LiveCounts;

/** Rejects when a commit does (another agent has taken over, the log is corrupt). */
export async function runLiveIngest(options: LiveIngestOptions): Promise<LiveIngestResult> {
	const limits = options.limits ?? liveIngestLimits;
	const { nowUs, signal, writer } = options;
	const cell = writer.cells.get(liveCell);
	const saved =
		cell === undefined ? newLiveState(options.host, options.recoveredChain ?? chainStart()) : decodeLiveState(cell);
	if (cell !== undefined && options.resumeChain) saved.chain = options.resumeChain(saved.chain);
	if (options.host !== '') saved.host = options.host;
	const source = options.openSource(writer.cells.get(sourceCell) ?? null);
	const core = createLiveCore(saved, {
		decoder: options.decoder,
		redact: options.redact,
		boot: options.boot,
		source: source.kind,
		key: options.key,
		hooks: options.hooks,
		limits,
		emit: options.emit,
	});
	tellAbsence(core, saved, source, options);
	const scraper = startScraper(core, options, limits.scrapeUs);
	const watch = startWatch(core, source, options);
	try {
		let committed = true;
		while (committed && !signal.aborted) {
			scraper.tick();
			await options.pacer?.pace(signal);
			const pulled = await source.pull(Math.ceil(core.dueInUs(nowUs()) / 1000), signal);
			await watch(pulled);
			for (const loss of pulled.losses) core.lost(loss);
			for (const input of pulled.inputs) {
				const bad = core.input(input, nowUs());
				if (bad !== null) await options.quarantine?.keep(bad.digest, bad.bytes);
			}
			if (core.due(nowUs(), pulled.idle)) committed = await commit(core, source, options, pulled.idle);
		}
		if (committed) await commit(core, source, options, false);
	} finally {
		await scraper.stop();
		await source.close();
	}
	return { kind: 'stopped', ...core.counts() };
}

/** False when the signal ended the wait for room in the log: what was taken may not be durable, and must not be built upon. */
async function commit(core: LiveCore, source: LiveSource, options: LiveIngestOptions, idle: boolean): Promise<boolean> {
	const { cells, records } = core.flush(options.nowUs(), idle);
	const checkpoint = source.checkpoint();
	if (checkpoint !== null) cells.set(sourceCell, checkpoint);
	const result = await options.writer.commit({ cells, records }, options.signal);
	return result.kind === 'published';
}

/** After each pull: has the clock been set, does the agent keep up? */
function startWatch(
	core: LiveCore,
	source: LiveSource,
	options: LiveIngestOptions,
): (pulled: LivePull) => Promise<void> {
	const { emit, nowUs, pacer } = options;
	const monotonicUs = options.monotonicUs ?? (() => performance.now() * 1000);
	const clock = createClockWatch();
	const behind = createBehindWatch();
	let waitedMs = 0;
	return async (pulled) => {
		const monotonic = monotonicUs();
		const step = clock.note(nowUs(), monotonic);
		if (step !== null) {
			const { byUs, fromUs, toUs } = step;
			const direction = byUs > 0 ? 'forward' : 'back';
			core.lost({ counter: `${clockStepCounter}{direction="${direction}"}`, count: 0, fromUs, toUs });
			emit({
				name: 'clock_stepped',
				stage: 'ingest',
				reason: direction,
				intentional: false,
				message: `the clock of this host was set ${direction} by ${(Math.abs(byUs) / 1e6).toFixed(3)} s`,
			});
		}
		const nowMs = monotonic / 1000;
		const say = behind.note(pulled.idle, nowMs);
		options.observe?.({
			...core.counts(),
			idle: pulled.idle,
			lastEventUs: core.lastEventUs(),
			behindMs: behind.behindMs(nowMs),
		});
		if (!say) return;
		const paced = (pacer?.waitedMs() ?? 0) > waitedMs;
		waitedMs = pacer?.waitedMs() ?? 0;
		const lastUs = core.lastEventUs();
		emit({
			name: 'agent_behind',
			stage: 'ingest',
			reason: paced ? 'cpu-share' : 'source-faster',
			intentional: false,
			message: paced
				? 'the source gives more than can be read within the CPU share; nothing is dropped, it waits where it is'
				: 'the source gives more than is read; nothing is dropped, it waits where it is',
			detail: {
				lagSeconds: lastUs < 0 ? -1 : Math.round((nowUs() - lastUs) / 1e6),
				lagBytes: (await source.lagBytes?.()) ?? -1,
			},
		});
	};
}

/** What happened while no agent was reading is lost with a source that does not resume. */
function tellAbsence(core: LiveCore, saved: LiveState, source: LiveSource, options: LiveIngestOptions): void {
	if (source.resumes || saved.observedUs < 0) return;
	const counter = `${disconnectedCounter}{reason="agent-stopped"}`;
	core.lost({ counter, count: 0, fromUs: saved.observedUs, toUs: options.nowUs() });
}

/** Scrapes beside the loop, one at a time: a slow endpoint must not hold up events. */
function startScraper(
	core: LiveCore,
	options: LiveIngestOptions,
	everyUs: number,
): { tick: () => void; stop: () => Promise<void> } {
	const abort = new AbortController();
	let running: Promise<void> | null = null;
	let startedUs = Number.NEGATIVE_INFINITY;
	const { scrape, nowUs } = options;
	const run = async (): Promise<void> => {
		const scraped = await scrape?.(abort.signal);
		if (scraped !== undefined && !abort.signal.aborted) core.scraped(scraped, nowUs());
		running = null;
	};
	return {
		tick() {
			const now = nowUs();
			if (scrape === null || running !== null || (now >= startedUs && now - startedUs < everyUs)) return;
			startedUs = now;
			running = run();
		},
		async stop() {
			abort.abort();
			await running;
		},
	};
}
