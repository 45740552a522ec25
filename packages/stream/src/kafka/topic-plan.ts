// What the fleet's topics must be like, and what it takes to make them so (pure). A topic whose settings would lose data is refused:
// who set them so should know. topics.ts has the edge.
import type { Topic } from '../ports.ts';
import { topics } from '../topics.ts';

export interface TopicSettings {
	/** At the broker, with the prefix. */
	name: string;
	topic: Topic;
	partitions: number;
	replicationFactor: number;
	/** Kafka's own names and spelling of values. */
	config: ReadonlyMap<string, string>;
}

export interface FoundTopic {
	name: string;
	partitions: number;
	replicationFactor: number;
	/** Effective settings; `own`: set on the topic itself, not inherited. */
	config: ReadonlyMap<string, { value: string; own: boolean }>;
}

export interface FleetTopics {
	topicPrefix: string;
	/** Of the topics keyed by host or session; `indicator` and `host` have one. */
	partitions: number;
	replicationFactor: number;
	minInsyncReplicas: number;
	/** Milliseconds; -1: for ever. */
	traceRetentionMs: number;
	/** Of what comes after `trace`. */
	sessionRetentionMs: number;
	/** Longest session + grace + outage: with less, a stage that lost its store cannot rebuild an open session. Milliseconds. */
	retentionMsMin: number;
}

export interface SettingChange {
	setting: string;
	from: string;
	to: string;
}

export interface TopicAlteration {
	name: string;
	changes: readonly SettingChange[];
	/** All settings that the topic has of its own afterwards: Kafka replaces the whole set. */
	config: ReadonlyMap<string, string>;
}

export interface TopicRefusal {
	name: string;
	setting: string;
	found: string;
	expected: string;
	why: string;
	/** False: no setting can mend it, e.g. the number of partitions. */
	mendable: boolean;
}

export interface TopicPlan {
	create: readonly TopicSettings[];
	alter: readonly TopicAlteration[];
	refuse: readonly TopicRefusal[];
}

const compacted: ReadonlySet<Topic> = new Set(['indicator', 'host']);
/** Rebuilding reads these again; of the others only the tail is needed. */
const rebuiltFrom: ReadonlySet<Topic> = new Set(['trace', 'session']);
/** A record of 8 MiB and what Kafka puts around it. */
export const messageBytesMax = 10 * 1024 ** 2;
const segmentMsMin = 60_000;
const readableCompressions: ReadonlySet<string> = new Set(['producer', 'uncompressed', 'gzip', 'zstd']);

export function wantedTopics(fleet: FleetTopics): TopicSettings[] {
	return topics.map((topic) => ({
		name: fleet.topicPrefix + topic,
		topic,
		partitions: compacted.has(topic) ? 1 : fleet.partitions,
		replicationFactor: fleet.replicationFactor,
		config: new Map([
			['cleanup.policy', compacted.has(topic) ? 'compact' : 'delete'],
			['retention.ms', String(retentionOf(topic, fleet))],
			// Bytes never decide: an attacker who floods a topic must not push out what is still needed.
			['retention.bytes', '-1'],
			['min.insync.replicas', String(fleet.minInsyncReplicas)],
			['unclean.leader.election.enable', 'false'],
			['max.message.bytes', String(messageBytesMax)],
			// A host's keys are judged at the time of the record, and that must be the broker's word.
			['message.timestamp.type', 'LogAppendTime'],
			['compression.type', 'producer'],
		]),
	}));
}

const retentionOf = (topic: Topic, fleet: FleetTopics): number =>
	compacted.has(topic) ? -1 : topic === 'trace' ? fleet.traceRetentionMs : fleet.sessionRetentionMs;

/** `mend`: settings that would lose data are altered where that helps, not refused. */
export function planTopics(
	fleet: FleetTopics,
	found: readonly FoundTopic[],
	{ mend = false }: { mend?: boolean } = {},
): TopicPlan {
	const create: TopicSettings[] = [];
	const alter: TopicAlteration[] = [];
	const refuse: TopicRefusal[] = [];
	for (const wanted of wantedTopics(fleet)) {
		const wrong = refusalsOfWish(wanted, fleet);
		refuse.push(...wrong);
		const there = found.find((f) => f.name === wanted.name);
		if (there === undefined) {
			if (wrong.length === 0) create.push(wanted);
			continue;
		}
		const unfit = refusalsOfFound(wanted, there, fleet);
		const refused = unfit.filter((refusal) => !(mend && refusal.mendable));
		refuse.push(...refused);
		const changes = changesOf(wanted, there, new Set(refused.map((refusal) => refusal.setting)));
		if (changes.length > 0 && wrong.length === 0) alter.push(alterationOf(there, changes));
	}
	return { create, alter, refuse };
}

function alterationOf(found: FoundTopic, changes: readonly SettingChange[]): TopicAlteration {
	const config = new Map<string, string>();
	for (const [setting, { value, own }] of found.config) if (own) config.set(setting, value);
	for (const { setting, to } of changes) config.set(setting, to);
	return { name: found.name, changes, config };
}

function changesOf(wanted: TopicSettings, found: FoundTopic, without: ReadonlySet<string>): SettingChange[] {
	const changes: SettingChange[] = [];
	for (const [setting, to] of wanted.config) {
		const from = found.config.get(setting)?.value ?? '';
		if (without.has(setting) || isAtLeast(setting, from, to)) continue;
		changes.push({ setting, from, to });
	}
	return changes;
}

/** More than was asked for is left as it is where more is safe. */
function isAtLeast(setting: string, from: string, to: string): boolean {
	if (from === to) return true;
	if (setting === 'retention.ms' || setting === 'retention.bytes')
		return from === '-1' || (to !== '-1' && from !== '' && Number(from) >= Number(to));
	if (setting === 'max.message.bytes') return from !== '' && Number(from) >= Number(to);
	return false;
}

type Check = (
	wanted: TopicSettings,
	value: (setting: string) => string,
	fleet: FleetTopics,
) => Omit<TopicRefusal, 'name' | 'mendable' | 'found'> | null;

const checks: readonly Check[] = [
	({ topic }, value) => {
		const policies = value('cleanup.policy').split(',');
		if (compacted.has(topic)) {
			if (!policies.includes('delete') && policies.includes('compact')) return null;
			const why = 'its records hold until they are replaced: deleting old ones forgets keys and indicators';
			return { setting: 'cleanup.policy', expected: 'compact', why };
		}
		if (!policies.includes('compact')) return null;
		return { setting: 'cleanup.policy', expected: 'delete', why: 'compaction keeps only the last record of a key' };
	},
	({ topic }, value, { retentionMsMin }) => {
		const retention = Number(value('retention.ms'));
		if (!rebuiltFrom.has(topic) || retention === -1 || retention >= retentionMsMin) return null;
		const why =
			'shorter than longest session + grace + outage: a session that is open when the store is lost is lost too';
		return { setting: 'retention.ms', expected: `at least ${retentionMsMin}`, why };
	},
	({ topic }, value) => {
		const bytes = Number(value('retention.bytes'));
		if (compacted.has(topic) || bytes === -1 || Number.isNaN(bytes)) return null;
		return { setting: 'retention.bytes', expected: '-1', why: 'a flood would push out what is still needed' };
	},
	(_wanted, value) =>
		value('unclean.leader.election.enable') === 'true'
			? {
					setting: 'unclean.leader.election.enable',
					expected: 'false',
					why: 'a replica that is behind may become the leader, and acknowledged records are gone',
				}
			: null,
	(_wanted, value) =>
		value('message.timestamp.type') === 'LogAppendTime'
			? null
			: {
					setting: 'message.timestamp.type',
					expected: 'LogAppendTime',
					why: "a writer's own time could make a revoked key valid, and old records outlive or leave early",
				},
	(_wanted, value) =>
		Number(value('max.message.bytes')) >= messageBytesMax
			? null
			: {
					setting: 'max.message.bytes',
					expected: `at least ${messageBytesMax}`,
					why: 'a large batch would be refused for good, and its stage stand still',
				},
	(_wanted, value) => {
		const compression = value('compression.type');
		if (compression === '' || readableCompressions.has(compression)) return null;
		return {
			setting: 'compression.type',
			expected: 'producer',
			why: 'the broker would compress anew by what no reader of ours takes, and every record be passed over',
		};
	},
	({ topic }, value) => {
		const segmentMs = value('segment.ms');
		if (compacted.has(topic) || segmentMs === '' || Number(segmentMs) >= segmentMsMin) return null;
		return { setting: 'segment.ms', expected: `at least ${segmentMsMin}`, why: 'thousands of files a partition' };
	},
];

function refusalsOfFound(wanted: TopicSettings, found: FoundTopic, fleet: FleetTopics): TopicRefusal[] {
	const { name } = wanted;
	const value = (setting: string): string => found.config.get(setting)?.value ?? '';
	const refusals: TopicRefusal[] = [];
	for (const check of checks) {
		const refusal = check(wanted, value, fleet);
		// What was deleted or compacted away is not there again: such a topic is made anew.
		if (refusal)
			refusals.push({
				name,
				found: value(refusal.setting),
				...refusal,
				mendable: refusal.setting !== 'cleanup.policy',
			});
	}
	if (found.partitions !== wanted.partitions)
		refusals.push({
			name,
			setting: 'partitions',
			found: String(found.partitions),
			expected: String(wanted.partitions),
			why: "keys would change place: a host's or session's records would lie in two partitions, in no order",
			mendable: false,
		});
	const inSync = inSyncRefusal(name, found.replicationFactor, Number(value('min.insync.replicas')), true);
	if (inSync) refusals.push(inSync);
	return refusals;
}

/** What was asked for is judged like what is there. */
function refusalsOfWish(wanted: TopicSettings, fleet: FleetTopics): TopicRefusal[] {
	const value = (setting: string): string => wanted.config.get(setting) ?? '';
	const refusals: TopicRefusal[] = [];
	for (const check of checks) {
		const refusal = check(wanted, value, fleet);
		if (refusal) refusals.push({ name: wanted.name, found: value(refusal.setting), ...refusal, mendable: false });
	}
	const inSync = inSyncRefusal(wanted.name, wanted.replicationFactor, Number(value('min.insync.replicas')), false);
	return inSync ? [...refusals, inSync] : refusals;
}

function inSyncRefusal(name: string, replicas: number, inSync: number, mendable: boolean): TopicRefusal | null {
	const refusal = { name, setting: 'min.insync.replicas', found: `${inSync} of ${replicas}`, mendable };
	if (replicas > 1 && inSync >= replicas)
		return {
			...refusal,
			expected: `less than ${replicas}`,
			why: 'with one broker away nothing can be written',
		};
	if (replicas > 1 && inSync < 2)
		return { ...refusal, expected: 'at least 2', why: 'a record that one broker alone has is lost with it' };
	if (replicas === 1 && inSync > 1)
		return { ...refusal, expected: '1', why: 'there is one replica: nothing can be written', mendable };
	return null;
}
