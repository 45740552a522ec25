// Membership where one process does all: every partition, for ever.
import type { Log, Membership } from '../ports.ts';

export const soloMembership = (log: Pick<Log, 'partitions'>): Membership => ({
	join: async (_stage, topic, onAssigned) => {
		onAssigned(Array.from({ length: log.partitions(topic) }, (_, partition) => partition));
		return { leave: async () => {} };
	},
});
