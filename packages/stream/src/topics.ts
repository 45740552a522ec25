import type { Topic } from './ports.ts';

/** Every topic, upstream first. */
export const topics: readonly Topic[] = [
	'trace',
	'session',
	'finding',
	'verdict',
	'attestation',
	'indicator',
	'host',
	'deadletter',
];

/** How many partitions each topic has. */
export type PartitionCounts = (topic: Topic) => number;

/** Topics that are not named have one partition. */
export function partitionCounts(configured: Partial<Record<Topic, number>>): PartitionCounts {
	for (const [topic, count] of Object.entries(configured))
		if (!Number.isInteger(count) || count < 1 || count > partitionsMax)
			throw new RangeError(`partitions.${topic}: ${count}: expected an integer from 1 to ${partitionsMax}`);
	return (topic) => configured[topic] ?? 1;
}

export const partitionsMax = 1024;

/**
 * Share of the log's bytes from which on a topic's appends are refused. Downstream topics keep room that upstream ones
 * cannot take: a stage that cannot publish never frees its input, and a full log would stand still for ever.
 */
export const fillLimit = (topic: Topic): number => (topic === 'trace' ? 0.75 : topic === 'session' ? 0.9 : 1);
