// What an attacker or a broken transport does to one host's records on their way into topic `trace`. Pure.
import { chainStart, signBatch } from '@affidavit/model/batch-signature.ts';
import { signedBatchCodec, traceBatchCodec } from '@affidavit/model/codec.ts';
import type { TraceBatch } from '@affidavit/model/generated/trace.ts';
import type { OutRecord } from '@affidavit/stream/ports.ts';
import type { Random } from '../../packages/stream/test/sim/random.ts';
import type { SimulatedKey } from './delivery.ts';

export interface Victim {
	host: string;
	key: SimulatedKey;
	records: readonly OutRecord[];
	/** Another host, with a key of its own that the correlator knows. */
	other: { host: string; key: SimulatedKey };
	/** A key that the correlator does not know. */
	stranger: SimulatedKey;
}

export interface Fault {
	name: string;
	apply: (victim: Victim, random: Random) => OutRecord[];
	/** What the victim's sessions must be like; the others' never change. `incomplete`: with the gap, and not passed. */
	sessions: 'unchanged' | 'incomplete';
	gap: string;
	/** Codes of the dead letters, in any order. */
	deadLetters: readonly string[];
}

const batchOf = (record: OutRecord): TraceBatch =>
	traceBatchCodec.decode(signedBatchCodec.decode(record.value).payload);

/** The places of batches with events, without the first and the last: where a chain begins and ends is the host's to say. */
function eventful(records: readonly OutRecord[]): number[] {
	const places: number[] = [];
	for (const [at, record] of records.entries()) {
		const { events, endOfInput } = batchOf(record);
		if (at > 0 && events.length > 0 && !endOfInput) places.push(at);
	}
	return places;
}

/** One of them; a delivery for faults has at least three. */
function place(records: readonly OutRecord[], random: Random): number {
	const places = eventful(records);
	return places[random.below(places.length)] as number;
}

/** A batch like the one at `at`, with another body, so that it is no duplicate. */
const similar = (records: readonly OutRecord[], at: number): TraceBatch => {
	const batch = batchOf(records[at] as OutRecord);
	return { ...batch, previous: Buffer.from(batch.previous), observedUs: batch.observedUs + 1 };
};

const inserted = (records: readonly OutRecord[], at: number, key: string, value: Uint8Array): OutRecord[] =>
	records.toSpliced(at, 0, { topic: 'trace', key, value });

export const faults: readonly Fault[] = [
	{
		name: 'a forged batch: signed with a key that nobody knows',
		apply: ({ records, host, stranger }, random) => {
			const at = place(records, random);
			return inserted(records, at, host, signBatch(similar(records, at), stranger).bytes);
		},
		sessions: 'unchanged',
		gap: '',
		deadLetters: ['unknown-key'],
	},
	{
		name: "one host speaking for another: the other's key under the victim's name",
		apply: ({ records, host, other }, random) => {
			const at = place(records, random);
			return inserted(records, at, host, signBatch(similar(records, at), other.key).bytes);
		},
		sessions: 'unchanged',
		gap: '',
		deadLetters: ['unknown-key'],
	},
	{
		name: "one host speaking for another: the other's own batch, under the victim's key of the record",
		apply: ({ records, host, other }, random) => {
			const at = place(records, random);
			const own = {
				...similar(records, at),
				host: other.host,
				sequence: 0,
				previous: Buffer.from(chainStart().previous),
			};
			return inserted(records, at, host, signBatch(own, other.key).bytes);
		},
		sessions: 'unchanged',
		gap: '',
		deadLetters: ['wrong-host'],
	},
	{
		name: 'an altered byte of a payload',
		apply: ({ records }, random) => {
			const at = place(records, random);
			const record = records[at] as OutRecord;
			const signed = signedBatchCodec.decode(record.value);
			const payload = Buffer.from(signed.payload);
			// Behind the host's name, by which the key is looked up.
			const byte = 1 + record.key.length + random.below(payload.length - 1 - record.key.length);
			payload[byte] = (payload[byte] as number) ^ (1 << random.below(8));
			return records.with(at, { ...record, value: signedBatchCodec.encode({ ...signed, payload }) });
		},
		sessions: 'incomplete',
		gap: 'chain-gap',
		deadLetters: ['bad-signature'],
	},
	{
		name: 'a missing batch',
		apply: ({ records }, random) => records.toSpliced(place(records, random), 1),
		sessions: 'incomplete',
		gap: 'chain-gap',
		deadLetters: [],
	},
	{
		name: 'a batch that comes later than those after it, within the skew',
		apply: ({ records }, random) => {
			const places = eventful(records);
			const from = random.below(places.length);
			const to = from + random.below(places.length - from);
			const at = places[from] as number;
			return records.toSpliced(at, 1).toSpliced(places[to] as number, 0, records[at] as OutRecord);
		},
		sessions: 'unchanged',
		gap: '',
		deadLetters: [],
	},
	{
		name: 'a batch that is replayed',
		apply: ({ records }, random) => {
			const at = random.below(records.length);
			const later = at + 1 + random.below(records.length - at);
			return records.toSpliced(later, 0, records[at] as OutRecord);
		},
		sessions: 'unchanged',
		gap: '',
		deadLetters: [],
	},
	{
		name: "a fork: another batch with a number that was taken, signed with the host's key",
		apply: ({ records, key, host }, random) => {
			const at = place(records, random);
			return inserted(records, at + 1, host, signBatch(similar(records, at), key).bytes);
		},
		sessions: 'incomplete',
		gap: 'chain-gap',
		deadLetters: ['batch-chain'],
	},
];
