// The table of docs/sizing.md from what was measured: `node test/deploy/sizing.ts` prints it, a test holds the page to it.

/** As docs/sizing.md names them, with where each comes from. Change one and print the table anew. */
export const measured = {
	/** Bytes of an event in `trace` at the brokers, zstd 1 (87 before; docs/kafka.md has the ratio of 2.7). */
	traceBytes: 32,
	/** Bytes of an event's facts in `session`, zstd 1 (58 before, ratio 2.55). */
	sessionBytes: 23,
	/** Bytes of an event's facts in Redis' lists. */
	factBytes: 65,
	/** Bytes of a host's state in Redis while it builds. */
	hostBytes: 350_000,
	/** CPU seconds per million events of a correlator's process, of Redis and of the brokers. */
	clientCpu: 2.4,
	storeCpu: 1.9,
	brokerCpu: 0.5,
	/** CPU seconds per million events of an agent. */
	agentCpu: 50,
} as const;

export const assumed = {
	/** Share of a core, a Redis or a worker that is planned with. */
	utilisation: 0.6,
	replicas: 3,
	retentionDaysMin: 1.5,
	retentionDays: 7,
	sessionSeconds: 600,
	factsRetentionSeconds: 3600,
} as const;

export interface Fleet {
	hosts: number;
	/** Of a host, in the mean. */
	eventsPerSecond: number;
}

export const fleets: readonly Fleet[] = [
	{ hosts: 50, eventsPerSecond: 100 },
	{ hosts: 500, eventsPerSecond: 200 },
	{ hosts: 5_000, eventsPerSecond: 200 },
	{ hosts: 5_000, eventsPerSecond: 2_000 },
];

const daySeconds = 86_400;

export function sizeOf({ hosts, eventsPerSecond }: Fleet) {
	const events = hosts * eventsPerSecond;
	const millions = events / 1e6;
	const perWorker = (assumed.utilisation / measured.clientCpu) * 1e6;
	const workers = Math.max(2, Math.ceil(events / perWorker));
	const bytes = (measured.traceBytes + measured.sessionBytes) * events;
	const disk = (days: number): number => bytes * days * daySeconds * assumed.replicas;
	const held = (seconds: number): number => events * measured.factBytes * (assumed.sessionSeconds + seconds);
	return {
		events,
		workers,
		/** A power of two, at least four for each worker. */
		partitions: Math.max(8, 2 ** Math.ceil(Math.log2(workers * 4))),
		coresInAll: millions * (measured.clientCpu + measured.storeCpu + measured.brokerCpu),
		coresOfAgents: millions * measured.agentCpu,
		/** Each has one thread. */
		redisMasters: Math.ceil((millions * measured.storeCpu) / assumed.utilisation),
		redisBytesOfADay: held(daySeconds) + hosts * measured.hostBytes,
		redisBytes: held(assumed.factsRetentionSeconds) + hosts * measured.hostBytes,
		brokerBytesPerSecond: bytes,
		diskBytesMin: disk(assumed.retentionDaysMin),
		diskBytes: disk(assumed.retentionDays),
	};
}

const units: readonly [number, string][] = [
	[1e15, 'PB'],
	[1e12, 'TB'],
	[1e9, 'GB'],
	[1e6, 'MB'],
	[1e3, 'kB'],
];

function bytesText(bytes: number): string {
	const [unit, name] = units.find(([size]) => bytes >= size) ?? [1, 'B'];
	const value = bytes / unit;
	return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(2))} ${name}`;
}

const number = (value: number): string => Math.round(value).toLocaleString('en-US');
const cores = (value: number): string => (value < 1 ? value.toFixed(2) : value < 10 ? value.toFixed(1) : number(value));

export function sizingTable(): string {
	const sizes = fleets.map(sizeOf);
	const row = (name: string, text: (size: (typeof sizes)[number]) => string): string =>
		`| ${name} | ${sizes.map(text).join(' | ')} |`;
	return [
		`| hosts × events a second | ${fleets.map((f) => `${number(f.hosts)} × ${number(f.eventsPerSecond)}`).join(' | ')} |`,
		`|---|${fleets.map(() => '---').join('|')}|`,
		row('events a second', (s) => number(s.events)),
		row('correlators', (s) => number(s.workers)),
		row('partitions', (s) => number(s.partitions)),
		row('cores: correlators, Redis, brokers', (s) => cores(s.coresInAll)),
		row('cores of all agents', (s) => cores(s.coresOfAgents)),
		row('Redis masters', (s) => number(s.redisMasters)),
		row('Redis memory, facts kept for an hour', (s) => bytesText(s.redisBytes)),
		row('Redis memory, facts kept for a day (the default)', (s) => bytesText(s.redisBytesOfADay)),
		row('into the brokers, a second', (s) => bytesText(s.brokerBytesPerSecond)),
		row('broker disk, retention of 36 hours', (s) => bytesText(s.diskBytesMin)),
		row('broker disk, retention of 7 days (the default)', (s) => bytesText(s.diskBytes)),
	].join('\n');
}

if (import.meta.main) process.stdout.write(`${sizingTable()}\n`);
