// The hosts' keys as topic `host` has them now: read to its end once, then followed for as long as the service runs.
import { setTimeout as delay } from 'node:timers/promises';
import type { HostDirectory } from '@affidavit/model/host-directory.ts';
import { StreamError } from '@affidavit/stream/errors.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Log, LogRecord } from '@affidavit/stream/ports.ts';
import { refusalOf } from '@affidavit/stream/seal/refusal.ts';
import type { Seals } from '@affidavit/stream/seal/seal.ts';

export interface HostsFollower {
	/** True when all that the topic held at the start was read; false when the signal aborted first. Rejects as `done` does. */
	read: Promise<boolean>;
	/** When the signal has ended it. Rejects when the log refuses for good (ACLs), and on a bug. */
	done: Promise<void>;
	/** For readiness: rejects with the reason while the topic is not read, or cannot be read. */
	check(): Promise<void>;
}

const page = { records: 500, bytes: 4 * 1024 * 1024 };
const retryMsMin = 100;
const retryMsMax = 1000;

/**
 * `seals` undefined: this process is the log's only writer. A log that is away is waited for; what was read until then stays in
 * force.
 */
export function followHosts(
	log: Log,
	directory: Pick<HostDirectory, 'take'>,
	seals: Seals | undefined,
	emit: Emit,
	signal: AbortSignal,
): HostsFollower {
	const reads: Promise<boolean>[] = [];
	const state: FollowState = { reading: true, trouble: new Map() };
	const follows: Promise<void>[] = [];
	// One partition that fails ends the others too: a directory that is followed in part would be trusted as a whole.
	const failed = new AbortController();
	const either = AbortSignal.any([signal, failed.signal]);
	for (let partition = 0; partition < log.partitions('host'); partition++) {
		const { promise, resolve, reject } = Promise.withResolvers<boolean>();
		reads.push(promise);
		follows.push(
			followPartition(
				log,
				partition,
				(record) => take(log, directory, seals, emit, record),
				resolve,
				state,
				either,
			).then(
				() => resolve(false),
				(error: unknown) => {
					failed.abort();
					reject(error);
					throw error;
				},
			),
		);
	}
	const read = Promise.all(reads).then((all) => {
		state.reading = false;
		return all.every(Boolean);
	});
	const done = Promise.all(follows).then(() => {});
	// Who waits for the other of the two learns of it there.
	read.catch(() => {});
	done.catch(() => {});
	return {
		read,
		done,
		async check() {
			if (state.reading) throw new Error('topic host is not read yet');
			for (const message of state.trouble.values()) throw new Error(message);
		},
	};
}

interface FollowState {
	reading: boolean;
	/** Why a partition cannot be read now. */
	trouble: Map<number, string>;
}

async function followPartition(
	log: Log,
	partition: number,
	onRecord: (record: LogRecord) => void,
	onRead: (all: boolean) => void,
	state: FollowState,
	signal: AbortSignal,
): Promise<void> {
	let offset = 0;
	let end = -1;
	for (let attempt = 0; !signal.aborted; ) {
		try {
			if (end < 0) {
				const bounds = await log.bounds('host', partition);
				end = bounds.end;
				offset = bounds.start;
			}
			const records = await log.read('host', partition, offset, page);
			for (const record of records) {
				onRecord(record);
				offset = record.offset + 1;
			}
			attempt = 0;
			state.trouble.delete(partition);
			// Compaction takes records away: an empty read at an offset below the end is the end.
			if (offset >= end || records.length === 0) onRead(true);
			if (records.length === 0) await log.waitForRecord('host', partition, offset, signal);
		} catch (error) {
			if (signal.aborted) return;
			if (!(error instanceof StreamError && error.code === 'unavailable')) throw error;
			state.trouble.set(partition, error.message);
			await delay(Math.min(retryMsMax, retryMsMin * 2 ** attempt++), undefined, { signal }).catch(() => {});
		}
	}
}

function take(
	log: Log,
	directory: Pick<HostDirectory, 'take'>,
	seals: Seals | undefined,
	emit: Emit,
	record: LogRecord,
): void {
	const refused = (reason: string, message: string): void =>
		emit({
			name: 'host_record_refused',
			stage: 'hosts',
			reason,
			intentional: false,
			message: `host/${record.partition}/${record.offset}: ${message}`,
			detail: { host: record.key.slice(0, 253) },
		});
	const refusal = refusalOf(log, seals, record);
	if (refusal !== null) {
		refused(refusal.code, refusal.message);
		return;
	}
	const taken = directory.take(record);
	if (taken.kind === 'refused') refused('not-host-keys', taken.message);
}
