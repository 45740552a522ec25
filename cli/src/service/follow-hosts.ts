// Follows topic `host`: which keys the hosts may sign with. A service is not ready before it has read the topic to its end.
import { setTimeout as delay } from 'node:timers/promises';
import type { HostDirectory } from '@affidavit/model/host-directory.ts';
import { StreamError } from '@affidavit/stream/errors.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Log, LogRecord } from '@affidavit/stream/ports.ts';
import type { Seals } from '@affidavit/stream/seal/seal.ts';

export interface HostsFollower {
	/** True when the topic was read to the end that it had at the start; false when the signal aborted before. */
	read: Promise<boolean>;
	/** Rejects while it is not read, and while the log does not answer. */
	check(): Promise<void>;
	/** Resolves when the signal has ended it; rejects with what no waiting mends. */
	done: Promise<void>;
}

export interface HostsFollowerOptions {
	log: Pick<Log, 'partitions' | 'bounds' | 'read' | 'waitForRecord'>;
	directory: HostDirectory;
	/** Records that its seal does not hold for count for nothing. */
	seals: Pick<Seals, 'check'>;
	emit: Emit;
	signal: AbortSignal;
}

const page = { records: 512, bytes: 4 * 1024 ** 2 };
const pauseMs = 1000;
const notRead = 'topic host is not read to its end yet';

export function followHosts(options: HostsFollowerOptions): HostsFollower {
	const partitions = Array.from({ length: options.log.partitions('host') }, (_, partition) => ({
		partition,
		failure: notRead as string | null,
		read: Promise.withResolvers<boolean>(),
	}));
	const done = Promise.all(
		partitions.map((one) => followPartition(one, options).finally(() => one.read.resolve(false))),
	);
	// Whoever waits for `read` hears by `done` what went wrong.
	done.catch(() => {});
	return {
		read: Promise.all(partitions.map(({ read }) => read.promise)).then((all) => all.every(Boolean)),
		check: async () => {
			for (const { failure } of partitions) if (failure !== null) throw new Error(failure);
		},
		done: done.then(() => {}),
	};
}

interface Followed {
	partition: number;
	failure: string | null;
	read: PromiseWithResolvers<boolean>;
}

async function followPartition(one: Followed, options: HostsFollowerOptions): Promise<void> {
	const { log, signal } = options;
	let end: number | null = null;
	let at = 0;
	while (!signal.aborted) {
		try {
			end ??= (await log.bounds('host', one.partition)).end;
			const records = await log.read('host', one.partition, at, page);
			for (const record of records) take(record, options);
			// Compacted: the last record before the end may be gone, so an empty page is the end too.
			if (records.length === 0 || at >= end) {
				one.failure = null;
				one.read.resolve(true);
			}
			const last = records.at(-1);
			if (last) at = last.offset + 1;
			else await log.waitForRecord('host', one.partition, at, signal);
		} catch (error) {
			if (signal.aborted) return;
			if (!(error instanceof StreamError && error.code === 'unavailable')) throw error;
			one.failure = `topic host: ${error.message}`;
			await delay(pauseMs, undefined, { signal }).catch(() => {});
		}
	}
}

function take(record: LogRecord, { directory, seals, emit }: HostsFollowerOptions): void {
	const refusal = seals.check(record);
	const taken = refusal === null ? directory.take(record) : null;
	if (refusal === null && taken?.kind !== 'refused') return;
	emit({
		name: 'host_records_refused',
		stage: 'hosts',
		reason: refusal?.code ?? 'not-host-keys',
		intentional: false,
		message: refusal?.message ?? (taken?.kind === 'refused' ? taken.message : ''),
		detail: { partition: record.partition, offset: record.offset },
	});
}
