// The topics of a test's own, made as `affidavit topics apply` makes them.

import { type FleetTopics, planTopics } from '@affidavit/stream/kafka/topic-plan.ts';
import { applyPlan, withAdmin } from '@affidavit/stream/kafka/topics.ts';
import { topics } from '@affidavit/stream/topics.ts';

const dayMs = 24 * 3_600_000;

/** Returns what removes them. */
export async function makeTopics(brokers: string, prefix: string, partitions: number): Promise<() => Promise<void>> {
	const fleet: FleetTopics = {
		topicPrefix: prefix,
		partitions,
		replicationFactor: 1,
		minInsyncReplicas: 1,
		traceRetentionMs: 7 * dayMs,
		sessionRetentionMs: 7 * dayMs,
		retentionMsMin: 2 * dayMs,
	};
	const plan = planTopics(fleet, []);
	if (plan.refuse.length > 0) throw new Error(JSON.stringify(plan.refuse));
	const connection = { brokers: brokers.split(',') };
	await applyPlan(connection, plan);
	return () =>
		withAdmin(connection, 'removing topics', (admin) =>
			admin.deleteTopics({ topics: topics.map((topic) => prefix + topic) }),
		);
}
