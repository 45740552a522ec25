// Metrics that are read off when a scraper asks: nothing is kept up to date for nobody.
import { Gauge, type Registry } from 'prom-client';

export interface PartitionState {
	stage: string;
	partition: number;
	state: string;
	/** Records behind the topic's end; null when it is not known. */
	lagRecords: number | null;
	/** Age of the last record taken while there are more, seconds; null when it is not known. */
	lagSeconds: number | null;
	outboxPending: number;
}

export interface HostsState {
	partition: number;
	hosts: number;
	silentHosts: number;
	openSessions: number;
	pendingEvents: number;
}

export interface ProcessState {
	checks: readonly { name: string; ok: boolean }[];
	partitions: readonly PartitionState[];
	/** Of the correlator. */
	hosts: readonly HostsState[];
	/** Seconds; above 0 the host's clock is behind the log's. */
	clockSkews: readonly { host: string; seconds: number }[];
	/** null while it is away. */
	redis: { memoryBytes: number; memoryBytesMax: number; keys: number } | null;
	kafka: { appending: number; readAheadBytes: number; silentMs: number } | null;
}

/** Hosts with a time series of their own: those whose clocks are furthest off. */
export const skewHostsMax = 50;
/** Scrapers that come together, and the many gauges of one scrape, share an answer. */
const freshMs = 500;

type Read = () => Promise<ProcessState>;

export function registerStateMetrics(registry: Registry, read: Read, elapsed: () => number): void {
	const state = shared(read, elapsed);
	registerPartitions(registry, state);
	registerHosts(registry, state);
	registerServers(registry, state);
}

function shared(read: Read, elapsed: () => number): Read {
	let last: { at: number; state: Promise<ProcessState> } | null = null;
	return () => {
		if (last === null || elapsed() - last.at >= freshMs) last = { at: elapsed(), state: read() };
		return last.state;
	};
}

/** A gauge whose series are all written anew by each scrape: those of a partition that has moved away go. */
function gauge<L extends string>(
	registry: Registry,
	name: string,
	help: string,
	labelNames: readonly L[],
	state: Read,
	write: (gauge: Gauge<L>, state: ProcessState) => void,
): void {
	new Gauge<L>({
		name,
		help,
		labelNames: [...labelNames],
		registers: [registry],
		async collect() {
			const now = await state();
			this.reset();
			write(this, now);
		},
	});
}

function registerPartitions(registry: Registry, state: Read): void {
	const ofPartition = (name: string, help: string, value: (partition: PartitionState) => number | null): void =>
		gauge(registry, name, help, ['stage', 'partition'], state, (series, { partitions }) => {
			for (const partition of partitions) {
				const found = value(partition);
				if (found !== null) series.set({ stage: partition.stage, partition: partition.partition }, found);
			}
		});
	ofPartition('affidavit_lag_records', 'Records of the input that are not taken yet.', (p) => p.lagRecords);
	ofPartition('affidavit_lag_seconds', 'Age of the last record taken, while there are more.', (p) => p.lagSeconds);
	ofPartition('affidavit_outbox_pending', 'Outputs committed and not published yet.', (p) => p.outboxPending);
	gauge(
		registry,
		'affidavit_partition_state',
		'1 for the state that a partition of this member is in.',
		['stage', 'partition', 'state'],
		state,
		(series, { partitions }) => {
			for (const { stage, partition, state: at } of partitions) series.set({ stage, partition, state: at }, 1);
		},
	);
}

function registerHosts(registry: Registry, state: Read): void {
	const ofHosts = (name: string, help: string, value: (hosts: HostsState) => number): void =>
		gauge(registry, name, help, ['partition'], state, (series, { hosts }) => {
			for (const each of hosts) series.set({ partition: each.partition }, value(each));
		});
	ofHosts('affidavit_hosts', 'Hosts that the correlator knows.', (h) => h.hosts);
	ofHosts('affidavit_silent_hosts', 'Hosts with open sessions that send nothing.', (h) => h.silentHosts);
	ofHosts('affidavit_sessions_open', 'Open sessions.', (h) => h.openSessions);
	ofHosts('affidavit_events_pending', 'Events that wait for the watermark.', (h) => h.pendingEvents);
	gauge(
		registry,
		'affidavit_clock_skew_seconds',
		`Log time minus the host's clock, transport included; the ${skewHostsMax} hosts that are furthest off.`,
		['host'],
		state,
		(series, { clockSkews }) => {
			const furthest = [...clockSkews].sort((a, b) => Math.abs(b.seconds) - Math.abs(a.seconds));
			for (const { host, seconds } of furthest.slice(0, skewHostsMax)) series.set({ host }, seconds);
		},
	);
	gauge(
		registry,
		'affidavit_clock_skew_seconds_max',
		'Largest skew, without sign.',
		[],
		state,
		(series, { clockSkews }) =>
			series.set(clockSkews.reduce((max, { seconds }) => Math.max(max, Math.abs(seconds)), 0)),
	);
}

function registerServers(registry: Registry, state: Read): void {
	gauge(registry, 'affidavit_ready', '1 when /readyz says so.', [], state, (series, { checks }) =>
		series.set(checks.every(({ ok }) => ok) ? 1 : 0),
	);
	gauge(registry, 'affidavit_check_ok', '1 for each check of /readyz that passes.', ['check'], state, (series, s) => {
		for (const { name, ok } of s.checks) series.set({ check: name }, ok ? 1 : 0);
	});
	const simple = (name: string, help: string, value: (state: ProcessState) => number | undefined): void =>
		gauge(registry, name, help, [], state, (series, now) => {
			const found = value(now);
			if (found !== undefined) series.set(found);
		});
	simple('affidavit_redis_memory_bytes', 'Memory that Redis uses.', ({ redis }) => redis?.memoryBytes);
	simple(
		'affidavit_redis_memory_bytes_max',
		'Memory that Redis may use; 0: no bound.',
		({ redis }) => redis?.memoryBytesMax,
	);
	simple('affidavit_redis_keys', 'Keys in Redis.', ({ redis }) => redis?.keys);
	simple('affidavit_kafka_appending_records', 'Records whose append is under way.', ({ kafka }) => kafka?.appending);
	simple('affidavit_kafka_read_ahead_bytes', 'Input read ahead.', ({ kafka }) => kafka?.readAheadBytes);
	simple('affidavit_kafka_silent_seconds', 'Since a broker last answered a fetch of live input.', ({ kafka }) =>
		kafka === null ? undefined : kafka.silentMs / 1000,
	);
}
