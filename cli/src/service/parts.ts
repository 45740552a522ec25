// What a running service is made of, as readiness and metrics see it.
import type { PartitionView } from '@affidavit/correlate/health.ts';
import type { KafkaLog } from '@affidavit/stream/kafka/log.ts';
import type { RedisStore } from '@affidavit/stream/redis/store.ts';
import type { RunningGroup } from '@affidavit/stream/runner/group.ts';
import type { PartitionHealth } from '@affidavit/stream/runner/partition-slot.ts';
import type { HostsFollower } from '../hosts/follow.ts';
import type { Measuring } from '../ops/measured.ts';
import type { Probe, Readiness } from '../ops/readiness.ts';
import type { HostsState, PartitionState, ProcessState } from '../ops/state-metrics.ts';
import { inputOf, type ServiceName, services } from './services.ts';

/** null: not there yet. */
export interface ServiceParts {
	log: KafkaLog | null;
	store: RedisStore | null;
	hosts: HostsFollower | null;
	group: RunningGroup | null;
	views: () => PartitionView[];
}

/** Partitions named in a message at most. */
const namedMax = 5;

export function probesOf(name: ServiceName, parts: ServiceParts): Probe[] {
	const probes: Probe[] = [
		{ name: 'kafka', check: async () => present(parts.log, 'not connected yet').check() },
		{ name: 'redis', check: async () => present(parts.store, 'not connected yet').check() },
		{ name: 'partitions', check: async () => checkPartitions(present(parts.group, 'the group is not joined yet')) },
	];
	if (services[name].needsHosts)
		probes.push({ name: 'hosts', check: async () => present(parts.hosts, 'not read yet').check() });
	return probes;
}

function present<T>(part: T | null, message: string): T {
	if (part === null) throw new Error(message);
	return part;
}

function checkPartitions(group: RunningGroup): void {
	const { ready, partitions } = group.health();
	if (ready) return;
	const waiting = partitions.filter(({ state }) => state !== 'live' && state !== 'replaying');
	if (waiting.length === 0) throw new Error('the group is not joined yet');
	const named = waiting.slice(0, namedMax).map(describe).join('; ');
	throw new Error(waiting.length > namedMax ? `${named}; and ${waiting.length - namedMax} more` : named);
}

const describe = ({ stage, partition, state, lastError }: PartitionHealth): string =>
	`${stage}/${partition} ${state}${lastError === null ? '' : `: ${lastError}`}`;

export async function readState(
	parts: ServiceParts,
	readiness: () => Promise<Readiness>,
	measuring: Measuring,
	silentMs: number,
): Promise<ProcessState> {
	const { log, store, group } = parts;
	const pending = new Map<string, number>();
	for (const [{ stage, partition }, count] of measuring.outboxPending()) pending.set(`${stage}/${partition}`, count);
	const views = parts.views();
	const [{ checks }, redis, partitions] = await Promise.all([
		readiness(),
		store === null ? null : store.stats().catch(() => null),
		Promise.all(
			(group?.health().partitions ?? []).map(
				async (health): Promise<PartitionState> => ({
					stage: health.stage,
					partition: health.partition,
					state: health.state,
					...(await lagOf(health, log, measuring)),
					outboxPending: pending.get(`${health.stage}/${health.partition}`) ?? 0,
				}),
			),
		),
	]);
	return {
		checks,
		partitions,
		hosts: views.map((view) => hostsOf(view, silentMs * 1000)),
		clockSkews: views.flatMap((view) => [...skewsOf(view)]),
		redis,
		kafka: log?.stats() ?? null,
	};
}

/** Without a request where the last fetch has told the end. */
async function lagOf(
	{ stage, partition, position }: PartitionHealth,
	log: KafkaLog | null,
	measuring: Measuring,
): Promise<Pick<PartitionState, 'lagRecords' | 'lagSeconds'>> {
	const topic = inputOf(stage);
	if (log === null || topic === undefined || position < 0) return { lagRecords: null, lagSeconds: null };
	const end = log.knownEnd(topic, partition) ?? (await endOf(log, topic, partition));
	if (end === null) return { lagRecords: null, lagSeconds: null };
	const lagRecords = Math.max(0, end - position);
	const takenUs = measuring.takenUs(stage, partition);
	const lagSeconds = lagRecords === 0 ? 0 : takenUs < 0 ? null : Math.max(0, Date.now() / 1000 - takenUs / 1e6);
	return { lagRecords, lagSeconds };
}

async function endOf(
	log: KafkaLog,
	topic: Parameters<KafkaLog['bounds']>[0],
	partition: number,
): Promise<number | null> {
	try {
		return (await log.bounds(topic, partition)).end;
	} catch {
		return null;
	}
}

function hostsOf(view: PartitionView, silentUs: number): HostsState {
	const state = { partition: view.partition, hosts: 0, silentHosts: 0, openSessions: 0, pendingEvents: 0 };
	for (const host of view.hosts()) {
		state.hosts += 1;
		state.openSessions += host.openSessions;
		state.pendingEvents += host.pendingEvents;
		if (host.openSessions > 0 && host.silentUs >= silentUs) state.silentHosts += 1;
	}
	return state;
}

function* skewsOf(view: PartitionView): Generator<{ host: string; seconds: number }> {
	for (const { host, clockSkewUs } of view.hosts())
		if (clockSkewUs !== null) yield { host, seconds: clockSkewUs / 1e6 };
}
