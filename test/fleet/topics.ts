// The topics of a test's own, made as `affidavit topics apply` makes them.

import { setTimeout as sleep } from 'node:timers/promises';
import { StreamError } from '@affidavit/stream/errors.ts';
import { type FleetTopics, planTopics } from '@affidavit/stream/kafka/topic-plan.ts';
import { applyPlan, readTopics, withAdmin } from '@affidavit/stream/kafka/topics.ts';
import { topics } from '@affidavit/stream/topics.ts';

const dayMs = 24 * 3_600_000;
const triesMax = 20;

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
	const connection = { brokers: brokers.split(',') };
	const names = topics.map((topic) => prefix + topic);
	for (let tries = 1; ; tries++) {
		const plan = planTopics(fleet, tries === 1 ? [] : await readTopics(connection, names));
		if (plan.refuse.length > 0) throw new Error(JSON.stringify(plan.refuse));
		if (tries > 1 && plan.create.length + plan.alter.length === 0) break;
		try {
			await applyPlan(connection, plan);
			break;
		} catch (error) {
			// A broker under load answers for a while that it does not know what it has just made.
			if (!(error instanceof StreamError) || tries === triesMax) throw error;
			await sleep(200);
		}
	}
	return () => withAdmin(connection, 'removing topics', (admin) => admin.deleteTopics({ topics: names }));
}
