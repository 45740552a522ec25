// What the configuration says of the fleet's topics, for the plan.
import type { FleetTopics } from '@affidavit/stream/kafka/topic-plan.ts';
import type { Config } from '../config/schema.ts';

export const fleetTopicsOf = ({ kafka, sessionMaxMs, graceMs }: Config): FleetTopics => ({
	topicPrefix: kafka.topicPrefix,
	partitions: kafka.partitions,
	replicationFactor: kafka.replicationFactor,
	minInsyncReplicas: kafka.minInsyncReplicas,
	traceRetentionMs: kafka.traceRetentionMs,
	sessionRetentionMs: kafka.sessionRetentionMs,
	retentionMsMin: sessionMaxMs + graceMs + kafka.outageMsMax,
});
