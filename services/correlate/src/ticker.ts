// Ticks for silent hosts: records in `trace` that say the log was alive and the host was not, so that a replay sees the same
// silence (design 6). A host is silent when the correlator has read everything there is and nothing of it came.
import { digestBytes, type HostKey, signBatch } from '@affidavit/model/batch-signature.ts';
import { StreamError } from '@affidavit/stream/errors.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Log, StampedRecord } from '@affidavit/stream/ports.ts';
import type { HostHealth, PartitionView } from './health.ts';

export interface TickerLimits {
	/** Without a record for this long, a host with open sessions gets a tick. Microseconds. */
	silentUs: number;
	/** Between two ticks of one host, at least. Microseconds; more than a minute would slow down what ticks count. */
	tickUs: number;
}

export const defaultTickerLimits: TickerLimits = { silentUs: 30_000_000, tickUs: 10_000_000 };

/** What is remembered of a partition between two looks. */
export interface PartitionWatch {
	/** The partition's end at the last look; -1 before. */
	end: number;
	/** Since when the worker has kept up with the log, microseconds; -1 while it does not. */
	aliveUs: number;
	hosts: Map<string, HostWatch>;
}

interface HostWatch {
	offset: number;
	/** When its newest record was seen. */
	heardUs: number;
	/** Its newest tick; -1 none. */
	tickedUs: number;
}

export const createPartitionWatch = (): PartitionWatch => ({ end: -1, aliveUs: -1, hosts: new Map() });

/** What a look at a partition finds. */
export interface PartitionLook {
	/** The partition's end now; null when the log did not answer. */
	end: number | null;
	/** Offset after the newest record that the worker has seen. */
	next: number;
	hosts: Iterable<HostHealth>;
}

/** The hosts that are due a tick. Pure but for `watch`, which it moves on. */
export function dueTicks(watch: PartitionWatch, look: PartitionLook, nowUs: number, limits: TickerLimits): string[] {
	const keepsUp = look.end !== null && watch.end !== -1 && look.next >= watch.end;
	watch.end = look.end ?? -1;
	// While the worker is behind, or the log away, nobody knows who is silent.
	if (!keepsUp) watch.aliveUs = -1;
	else if (watch.aliveUs === -1) watch.aliveUs = nowUs;
	const due: string[] = [];
	const seen = new Map<string, HostWatch>();
	for (const { host, offset, openSessions, pendingEvents } of look.hosts) {
		let known = watch.hosts.get(host);
		if (known === undefined || known.offset !== offset) known = { offset, heardUs: nowUs, tickedUs: -1 };
		seen.set(host, known);
		if (watch.aliveUs === -1 || (openSessions === 0 && pendingEvents === 0)) continue;
		if (nowUs - Math.max(known.heardUs, watch.aliveUs) < limits.silentUs) continue;
		if (known.tickedUs !== -1 && nowUs - known.tickedUs < limits.tickUs) continue;
		known.tickedUs = nowUs;
		due.push(host);
	}
	watch.hosts = seen;
	return due;
}

export interface TickerOptions {
	log: Pick<Log, 'append' | 'bounds'>;
	/** createCorrelateStage's `views`. */
	views: () => Iterable<PartitionView>;
	/** The correlate service's own key: resolveTickKey must know it. */
	key: HostKey;
	emit: Emit;
	limits?: Partial<TickerLimits>;
	/** Milliseconds between two looks. Default 2,000. */
	lookMs?: number;
	/** Milliseconds since 1970. */
	now?: () => number;
}

export interface Ticker {
	/** Looks at every partition once; how many ticks were written. */
	look(): Promise<number>;
	/** Resolves when no look is under way any more. */
	close(): Promise<void>;
}

const tickStage = 'correlate:tick';
const lookMsDefault = 2000;

/** Looks at the hosts until it is closed. A log that does not answer is tried again with the next look. */
export function startTicker(options: TickerOptions): Ticker {
	const { log, views, key, emit } = options;
	const limits = { ...defaultTickerLimits, ...options.limits };
	const now = options.now ?? Date.now;
	const watches = new Map<number, PartitionWatch>();
	let written = 0;
	let underWay: Promise<number> | null = null;

	const lookAt = async (view: PartitionView): Promise<number> => {
		let watch = watches.get(view.partition);
		if (watch === undefined) {
			watch = createPartitionWatch();
			watches.set(view.partition, watch);
		}
		const end = await endOf(log, view.partition);
		const nowUs = now() * 1000;
		const hosts = dueTicks(watch, { end, next: view.next(), hosts: view.hosts() }, nowUs, limits);
		if (hosts.length === 0) return 0;
		const origin = { stage: tickStage, partition: view.partition, offset: written++ };
		await log.append(hosts.map((host, index) => tickRecord(host, nowUs, key, { ...origin, index })));
		return hosts.length;
	};
	const look = async (): Promise<number> => {
		let ticks = 0;
		for (const view of views())
			try {
				ticks += await lookAt(view);
			} catch (error) {
				if (!(error instanceof StreamError)) throw error;
				emit({
					name: 'ticks_not_written',
					stage: 'correlate',
					reason: error.code,
					intentional: false,
					message: `ticks for silent hosts could not be written: ${error.message}`,
					detail: { partition: view.partition },
				});
			}
		return ticks;
	};
	const lookOnce = (): Promise<number> => {
		underWay ??= look().finally(() => {
			underWay = null;
		});
		return underWay;
	};
	const timer = setInterval(() => void lookOnce(), options.lookMs ?? lookMsDefault);
	return {
		look: lookOnce,
		close: async () => {
			clearInterval(timer);
			await underWay;
		},
	};
}

async function endOf(log: Pick<Log, 'bounds'>, partition: number): Promise<number | null> {
	try {
		return (await log.bounds('trace', partition)).end;
	} catch (error) {
		if (error instanceof StreamError) return null;
		throw error;
	}
}

function tickRecord(host: string, nowUs: number, key: HostKey, origin: StampedRecord['origin']): StampedRecord {
	const { bytes } = signBatch(
		{
			host,
			boot: '',
			source: 'tick',
			sequence: 0,
			previous: Buffer.alloc(digestBytes),
			observedUs: nowUs,
			strings: [''],
			processes: [],
			events: [],
			losses: [],
			lossCounters: 'unknown',
			hooks: [],
			endOfInput: false,
		},
		key,
	);
	return { topic: 'trace', key: host, value: bytes, origin };
}
