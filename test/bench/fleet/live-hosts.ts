// Hosts that build all the time: a recorded tampered build played again and again, compressed to a given rate and moved to now.
import { createBatcher, type DecodedEvent, liveBatchLimits } from '@affidavit/ingest/batch/batcher.ts';
import { chainStart, type HostKey } from '@affidavit/model/batch-signature.ts';
import type { ProcessInfo } from '@affidavit/model/trace-event.ts';
import type { StampedRecord } from '@affidavit/stream/ports.ts';
import type { Recording } from './workload.ts';

export interface LiveHost {
	name: string;
	/** Records for topic `trace`: what the host's agent sends at this time. `resting`: no more events, heartbeats only. */
	due(nowUs: number, resting: boolean): StampedRecord[];
	events(): number;
}

/** `eventsPerSecond`: while it builds; the recording's own pauses are shortened with it. */
export function createLiveHost(
	name: string,
	key: HostKey,
	{ events }: Recording,
	eventsPerSecond: number,
	startUs: number,
): LiveHost {
	const batcher = createBatcher({
		host: name,
		boot: 'bench',
		source: 'export',
		key,
		limits: liveBatchLimits,
		chain: chainStart(),
		hooks: [],
	});
	const sorted = [...events].sort((a, b) => a.event.timeUs - b.event.timeUs);
	const firstUs = (sorted[0] as DecodedEvent).event.timeUs;
	const lastUs = (sorted.at(-1) as DecodedEvent).event.timeUs;
	const runUs = Math.ceil((sorted.length / eventsPerSecond) * 1e6);
	const scale = runUs / (lastUs - firstUs);
	const heartbeatUs = 1_000_000;
	let run = 0;
	let at = 0;
	let sent = 0;
	let offset = 0;
	let lastSentUs = startUs;
	const timeOf = (timeUs: number): number => Math.round(startUs + run * runUs + (timeUs - firstUs) * scale);

	return {
		name,
		events: () => sent,
		due(nowUs, resting) {
			const records: StampedRecord[] = [];
			const close = (): void => {
				const closing = { observedUs: nowUs, losses: [], lossCounters: 'known' as const, endOfInput: false };
				const { record } = batcher.close(closing);
				const origin = { stage: `ingest:${name}`, partition: 0, offset: offset++, index: 0 };
				records.push({ ...record, origin });
				lastSentUs = nowUs;
			};
			for (;;) {
				const next = sorted[at] as DecodedEvent;
				if (resting || timeOf(next.event.timeUs) > nowUs) break;
				const moved = inRun(next, run, timeOf);
				if (batcher.offer(moved, nowUs) === 'close-first') {
					close();
					batcher.offer(moved, nowUs);
				}
				sent += 1;
				at += 1;
				if (at < sorted.length) continue;
				at = 0;
				run += 1;
			}
			if (batcher.due(nowUs) || (batcher.pending() === 0 && nowUs - lastSentUs >= heartbeatUs)) close();
			return records;
		},
	};
}

/** Another build of the same host: processes of their own, later. */
function inRun(entry: DecodedEvent, run: number, timeOf: (timeUs: number) => number): DecodedEvent {
	const renamed = (execId: string): string => (execId === '' ? '' : `${execId}~${run}`);
	const moved = (process: ProcessInfo): ProcessInfo => ({
		...process,
		startUs: process.startUs < 0 ? process.startUs : timeOf(process.startUs),
		execId: renamed(process.execId),
		parentExecId: renamed(process.parentExecId),
	});
	const { event, process, parent } = entry;
	return {
		...entry,
		event: { ...event, timeUs: timeOf(event.timeUs), execId: renamed(event.execId) },
		process: moved(process),
		parent: parent && moved(parent),
	};
}
