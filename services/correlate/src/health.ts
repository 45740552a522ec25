// What a correlate worker tells of its hosts beside the records: for the ticker and the metrics.
import type { Host } from './core/host.ts';
import { pending } from './core/reorder.ts';

export interface HostHealth {
	host: string;
	/** Offset of its newest record that was taken since the worker was opened; -1 when none was. */
	offset: number;
	openSessions: number;
	/** Events that wait for the watermark. */
	pendingEvents: number;
	/** How long ticks say that it has been silent, microseconds. */
	silentUs: number;
	/** Log time minus the host's clock over the last minute, transport included, microseconds; null where it was not measured. */
	clockSkewUs: number | null;
}

export interface PartitionView {
	partition: number;
	/** Offset after the newest record that the worker has seen. */
	next(): number;
	hosts(): Iterable<HostHealth>;
}

export const healthOf = (host: Host, offset: number): HostHealth => ({
	host: host.name,
	offset,
	openSessions: host.sessions.size,
	pendingEvents: pending(host.reorder),
	silentUs: host.silence.quietUs,
	clockSkewUs: host.skew.measuredUs,
});
