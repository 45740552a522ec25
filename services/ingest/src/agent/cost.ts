// What the agent costs its host, and how far behind it is: read off when a scraper asks.
import { Gauge, type Registry } from 'prom-client';
import type { ForwardState } from './forward.ts';
import type { LiveObservation } from './live-ingest.ts';

export interface AgentParts {
	/** null before the first pull. */
	ingest: () => LiveObservation | null;
	/** Bytes of the source that are not read; null where nobody knows. */
	lagBytes: () => Promise<number | null>;
	backlog: () => { records: number; bytes: number };
	oldestUnsentMs: () => Promise<number>;
	/** Files of the spool on disk, bytes. */
	spoolDiskBytes: () => Promise<number>;
	forward: () => ForwardState | null;
	pacedMs: () => number;
	spoolBytesMax: number;
	cpuShareMax: number;
}

export interface AgentClocks {
	nowMs: () => number;
	/** Never set, milliseconds. */
	monotonicMs: () => number;
	/** CPU time of this process, milliseconds. */
	cpuMs: () => number;
}

/** All that `registerAgentMetrics` adds. */
export const agentMetricNames = [
	'affidavit_agent_cpu_share',
	'affidavit_agent_cpu_share_max',
	'affidavit_agent_rss_bytes',
	'affidavit_agent_events',
	'affidavit_agent_events_per_second',
	'affidavit_agent_batches',
	'affidavit_agent_dead_letters',
	'affidavit_agent_paced_seconds',
	'affidavit_agent_behind_seconds',
	'affidavit_agent_event_age_seconds',
	'affidavit_agent_source_lag_bytes',
	'affidavit_spool_unsent_records',
	'affidavit_spool_unsent_bytes',
	'affidavit_spool_bytes_max',
	'affidavit_spool_oldest_seconds',
	'affidavit_spool_disk_bytes',
	'affidavit_forward_retrying',
	'affidavit_forward_acknowledged_seconds',
] as const;

type Name = (typeof agentMetricNames)[number];

export function registerAgentMetrics(registry: Registry, parts: AgentParts, clocks: AgentClocks): void {
	const gauge = (name: Name, help: string, read: () => number | null | Promise<number | null>): void => {
		new Gauge({
			name,
			help,
			registers: [registry],
			async collect() {
				const value = await read();
				if (value === null) this.reset();
				else this.set(value);
			},
		});
	};
	const ofIngest = (name: Name, help: string, read: (o: LiveObservation) => number): void =>
		gauge(name, help, () => {
			const observation = parts.ingest();
			return observation === null ? null : read(observation);
		});
	gauge('affidavit_agent_cpu_share', 'CPU used since the scrape before, in cores.', createShare(clocks));
	gauge('affidavit_agent_cpu_share_max', 'CPU that the agent keeps to, in cores.', () => parts.cpuShareMax);
	gauge('affidavit_agent_rss_bytes', 'Resident memory of the agent.', () => process.memoryUsage.rss());
	ofIngest('affidavit_agent_events', 'Events taken in since the start.', (o) => o.events);
	gauge(
		'affidavit_agent_events_per_second',
		'Events taken in since the scrape before, per second.',
		createRate(() => parts.ingest()?.events ?? 0, clocks.monotonicMs),
	);
	ofIngest('affidavit_agent_batches', 'Batches signed since the start.', (o) => o.batches);
	ofIngest('affidavit_agent_dead_letters', 'Inputs refused since the start.', (o) => o.deadLetters);
	gauge('affidavit_agent_paced_seconds', 'Time waited to keep to the CPU share.', () => parts.pacedMs() / 1000);
	ofIngest('affidavit_agent_behind_seconds', 'Since the source last ran dry.', (o) => o.behindMs / 1000);
	gauge('affidavit_agent_event_age_seconds', 'Age of the last event that was read, by its own time.', () => {
		const at = parts.ingest()?.lastEventUs ?? -1;
		return at < 0 ? null : clocks.nowMs() / 1000 - at / 1e6;
	});
	gauge('affidavit_agent_source_lag_bytes', 'Bytes of the export that are not read yet.', parts.lagBytes);
	gauge('affidavit_spool_unsent_records', 'Records that no broker has acknowledged.', () => parts.backlog().records);
	gauge('affidavit_spool_unsent_bytes', 'Bytes that no broker has acknowledged.', () => parts.backlog().bytes);
	gauge('affidavit_spool_bytes_max', 'Bytes at which the spool is full and reading waits.', () => parts.spoolBytesMax);
	gauge('affidavit_spool_oldest_seconds', 'Age of the oldest record that is not acknowledged; 0: none.', async () => {
		const oldest = await parts.oldestUnsentMs();
		return oldest < 0 ? 0 : (clocks.nowMs() - oldest) / 1000;
	});
	gauge('affidavit_spool_disk_bytes', 'Files of the spool on disk.', parts.spoolDiskBytes);
	gauge('affidavit_forward_retrying', '1 while the brokers do not take what is sent.', () =>
		parts.forward()?.state === 'retrying' ? 1 : 0,
	);
	gauge('affidavit_forward_acknowledged_seconds', 'Since the brokers last took something.', () => {
		const at = parts.forward()?.acknowledgedMs ?? -1;
		return at < 0 ? null : (clocks.nowMs() - at) / 1000;
	});
}

/** Cores used since the call before. */
export function createShare({ monotonicMs, cpuMs }: Pick<AgentClocks, 'monotonicMs' | 'cpuMs'>): () => number {
	return createRate(() => cpuMs() / 1000, monotonicMs);
}

/** Growth of a count per second since the call before; 0 at the first, and between calls at the same moment the last answer. */
export function createRate(count: () => number, monotonicMs: () => number): () => number {
	let last = { ms: monotonicMs(), count: count(), rate: 0 };
	return () => {
		const now = { ms: monotonicMs(), count: count() };
		if (now.ms <= last.ms) return last.rate;
		last = { ...now, rate: ((now.count - last.count) * 1000) / (now.ms - last.ms) };
		return last.rate;
	};
}
