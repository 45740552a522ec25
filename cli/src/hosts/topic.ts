// Reading and writing topic `host`. Two operators may write at once: who writes reads back, and what the other wrote between is
// merged and written again.
import { setTimeout as delay } from 'node:timers/promises';
import { hostKeysCodec } from '@affidavit/model/codec.ts';
import type { HostKeys } from '@affidavit/model/generated/host.ts';
import { createHostDirectory } from '@affidavit/model/host-directory.ts';
import { partitionOf } from '@affidavit/stream/partition.ts';
import type { Log, LogRecord } from '@affidavit/stream/ports.ts';
import { refusalOf } from '@affidavit/stream/seal/refusal.ts';
import type { Seals } from '@affidavit/stream/seal/seal.ts';
import { applyChange, type Changed, type HostChange, mergeKeys } from './change.ts';

export interface HostsTopic {
	log: Log;
	/** undefined where this process is the log's only writer. */
	seals: Seals | undefined;
}

const page = { records: 500, bytes: 4 * 1024 * 1024 };
const roundsMax = 20;

interface Found {
	offset: number;
	/** null: the host was forgotten (a tombstone). */
	keys: HostKeys | null;
}

export interface AllHosts {
	/** By host, in order of names. */
	hosts: HostKeys[];
	/** Records that do not count, and why. */
	refused: { offset: number; host: string; code: string; message: string }[];
}

export async function readHosts(topic: HostsTopic): Promise<AllHosts> {
	const latest = new Map<string, HostKeys>();
	const refused: AllHosts['refused'] = [];
	for (let partition = 0; partition < topic.log.partitions('host'); partition++)
		for await (const record of recordsOf(topic.log, partition, 0)) {
			const read = keysOf(topic, record);
			if (read.kind === 'refused')
				refused.push({ offset: record.offset, host: record.key, code: read.code, message: read.message });
			else if (read.keys === null) latest.delete(record.key);
			else latest.set(record.key, read.keys);
		}
	const hosts = [...latest.values()].sort((a, b) => (a.host < b.host ? -1 : 1));
	return { hosts, refused };
}

/** Rejects with StreamError as the log does; with Error when others never stop writing the same host. */
export async function changeHost(
	topic: HostsTopic,
	host: string,
	change: HostChange,
	/** Milliseconds since 1970; names this write in its origin. */
	nowMs: number,
	random: () => number,
): Promise<Changed> {
	let base = await recordsOfHost(topic, host, 0);
	const known = base.at(-1)?.keys ?? null;
	const answer = applyChange(host, known, change);
	if (answer.kind !== 'changed') return answer;
	let write = answer.keys;
	// What everything that was written at the same time has to hold in the end.
	const seen: HostKeys[] = [write];
	for (let round = 0; round < roundsMax; round++) {
		const from = (base.at(-1)?.offset ?? -1) + 1;
		await append(topic, write, nowMs, round);
		base = await recordsOfHost(topic, host, from);
		for (const { keys } of base) if (keys !== null) seen.push(keys);
		const merged = mergeKeys(host, seen);
		const last = base.at(-1)?.keys;
		if (last && holdsAll(last, merged)) return { kind: 'changed', keys: last };
		write = merged;
		await delay(random() * 50 * (round + 1));
	}
	throw new Error(`topic host: ${host}: others write it all the time`);
}

const holdsAll = (found: HostKeys, wanted: HostKeys): boolean =>
	Buffer.compare(hostKeysCodec.encode(mergeKeys(found.host, [found])), hostKeysCodec.encode(wanted)) === 0;

async function append({ log, seals }: HostsTopic, keys: HostKeys, nowMs: number, round: number): Promise<void> {
	const record = {
		topic: 'host' as const,
		key: keys.host,
		value: hostKeysCodec.encode(keys),
		origin: { stage: 'operator', partition: 0, offset: nowMs, index: round },
	};
	await log.append([seals === undefined ? record : { ...record, seal: seals.seal(record) }]);
}

async function recordsOfHost(topic: HostsTopic, host: string, from: number): Promise<Found[]> {
	const found: Found[] = [];
	const partition = partitionOf(host, topic.log.partitions('host'));
	for await (const record of recordsOf(topic.log, partition, from)) {
		if (record.key !== host) continue;
		const read = keysOf(topic, record);
		if (read.kind === 'ok') found.push({ offset: record.offset, keys: read.keys });
	}
	return found;
}

type ReadKeys = { kind: 'ok'; keys: HostKeys | null } | { kind: 'refused'; code: string; message: string };

/** As the services judge it: what they would not take, is not there. */
function keysOf({ log, seals }: HostsTopic, record: LogRecord): ReadKeys {
	const refusal = refusalOf(log, seals, record);
	if (refusal !== null) return { kind: 'refused', ...refusal };
	const taken = createHostDirectory().take(record);
	switch (taken.kind) {
		case 'refused':
			return { kind: 'refused', code: 'not-host-keys', message: taken.message };
		case 'removed':
			return { kind: 'ok', keys: null };
		case 'enrolled':
			return { kind: 'ok', keys: hostKeysCodec.decode(record.value) };
	}
}

/** From `from` to what is the end when it is called. */
async function* recordsOf(log: Log, partition: number, from: number): AsyncGenerator<LogRecord> {
	const { start, end } = await log.bounds('host', partition);
	for (let at = Math.max(from, start); at < end; ) {
		const records = await log.read('host', partition, at, page);
		if (records.length === 0) return;
		for (const record of records) {
			at = record.offset + 1;
			yield record;
		}
	}
}
