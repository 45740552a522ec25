// Records that no honest agent or service writes, and the dead letter that each must become.

import { chainStart, type HostKey, signBatch } from '@affidavit/model/batch-signature.ts';
import {
	deadLetterCodec,
	findingCodec,
	signedBatchCodec,
	traceBatchCodec,
	verdictCodec,
} from '@affidavit/model/codec.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { emptyFacts, encodeFactBatch, chainStart as factChainStart } from '@affidavit/model/facts.ts';
import type { TraceBatch } from '@affidavit/model/generated/trace.ts';
import { partitionOf } from '@affidavit/stream/partition.ts';
import type { LogRecord, Origin, OutRecord, StampedRecord, Topic } from '@affidavit/stream/ports.ts';
import type { Seals } from '@affidavit/stream/seal/seal.ts';
import { Kafka, logLevel } from 'kafkajs';
import type { GivenServers } from '../servers/given.ts';
import type { FleetKeys } from './keys.ts';
import { newKey } from './keys.ts';
import type { ExpectedDeadLetter } from './outcome.ts';

export interface BatchAttack {
	name: string;
	/** The host's sessions that are open meanwhile: `same` as ever, or `incomplete`. */
	sessions: 'same' | 'incomplete';
	/** In place of the record on its way; `before`: those that went ahead of it. `other`: a host whose key is stolen. */
	apply(record: StampedRecord, before: readonly StampedRecord[], other: HostKey & { name: string }): StampedRecord[];
	/** Code of the dead letter that the first record of `apply` becomes; null: it leaves none. */
	code: string | null;
	/** Finding about the host. */
	rule: string | null;
}

const batchOf = ({ value }: OutRecord): TraceBatch => traceBatchCodec.decode(signedBatchCodec.decode(value).payload);

/** Another body under the same number. */
const similar = (record: OutRecord): TraceBatch => {
	const batch = batchOf(record);
	return { ...batch, previous: Buffer.from(batch.previous), observedUs: batch.observedUs + 1 };
};

export const batchAttacks: readonly BatchAttack[] = [
	{
		name: "another host's key under this host's name",
		sessions: 'same',
		apply: (record, _before, other) => [{ ...record, value: signBatch(similar(record), other).bytes }, record],
		code: 'wrong-host',
		rule: 'host-key-invalid',
	},
	{
		name: "another host's own batch under this host's key of the record",
		sessions: 'same',
		apply: (record, _before, other) => {
			const { previous } = chainStart();
			const own = { ...similar(record), host: other.name, sequence: 0, previous: Buffer.from(previous) };
			return [{ ...record, value: signBatch(own, other).bytes }, record];
		},
		code: 'wrong-host',
		rule: 'host-key-invalid',
	},
	{
		name: 'a key that nobody knows',
		sessions: 'same',
		apply: (record) => [{ ...record, value: signBatch(similar(record), newKey()).bytes }, record],
		code: 'unknown-key',
		rule: 'host-key-invalid',
	},
	{
		name: 'a batch that is replayed',
		sessions: 'same',
		apply: (record, before) => [before.at(-3) as StampedRecord, record],
		code: null,
		rule: null,
	},
	{
		name: 'an altered byte',
		sessions: 'incomplete',
		apply: (record) => {
			const signed = signedBatchCodec.decode(record.value);
			const payload = Buffer.from(signed.payload);
			payload[payload.length - 9] = (payload.at(-9) as number) ^ 1;
			return [{ ...record, value: signedBatchCodec.encode({ ...signed, payload }) }];
		},
		code: 'bad-signature',
		rule: 'host-key-invalid',
	},
	{
		name: 'a batch that is dropped',
		sessions: 'incomplete',
		apply: () => [],
		code: null,
		rule: null,
	},
];

/** What lets a forged finding be told in what was posted. */
export const forgedTitle = 'a forged finding';

/** Of a shared log: what it looks like to the stage that reads it. */
export interface RecordForgery {
	record: StampedRecord;
	/** null: it is a true record again, and dropped as a copy. */
	code: string | null;
}

/** A beginning and end of the session, before the correlator has said anything of it. */
export function earlyForgeries(session: string, keys: FleetKeys, host: HostKey): RecordForgery[] {
	const facts = emptyFacts();
	const { bytes } = encodeFactBatch({ session, sequence: 0, previous: factChainStart, watermarkUs: 0 }, facts);
	const record = { topic: 'session' as const, key: session, value: bytes, origin: farAhead('correlate') };
	return [
		{ record, code: 'unsealed' },
		{ record: sealed(record, keys.seals({ ...host, publicKey: newKey().publicKey })), code: 'wrong-sealer' },
		{ record: sealed(record, keys.seals(newKey())), code: 'unknown-sealer' },
		{ record: sealed(record, keys.seals(keys.services.detect)), code: 'wrong-sealer' },
	];
}

/** An origin that, were it believed, would make readers drop everything that follows. */
const farAhead = (stage: string): Origin => ({ stage, partition: 0, offset: 2 ** 40, index: 0 });

const sealed = (record: OutRecord & { origin: Origin }, seals: Seals): StampedRecord => ({
	...record,
	seal: seals.seal(record),
});

/** Made of the true records of a session that failed. */
export function lateForgeries(
	genuine: Readonly<Record<'session' | 'verdict' | 'finding', LogRecord>>,
	keys: FleetKeys,
): RecordForgery[] {
	const by = (service: keyof FleetKeys['services']): Seals => keys.seals(keys.services[service]);
	const verdict = verdictCodec.decode(genuine.verdict.value);
	const factsHead = Buffer.from(verdict.factsHead);
	const passed = stamped(
		genuine.verdict,
		verdictCodec.encode({ ...verdict, factsHead, verdict: 'passed', findings: [], revision: 2 }),
	);
	const otherHead = stamped(
		genuine.verdict,
		verdictCodec.encode({ ...verdict, factsHead: Buffer.alloc(32, 7), verdict: 'passed', findings: [], revision: 2 }),
		farAhead('detect'),
	);
	const finding = stamped(
		genuine.finding,
		findingCodec.encode({ ...findingCodec.decode(genuine.finding.value), title: forgedTitle, state: 'confirmed' }),
	);
	const facts = Buffer.from(genuine.session.value);
	facts[facts.length - 1] = (facts.at(-1) as number) ^ 1;
	const letter = stamped(
		{ ...genuine.verdict, topic: 'deadletter' },
		deadLetterCodec.encode({
			stage: 'correlate',
			origin: 'trace/0/1',
			code: 'wrong-host',
			message: 'forged',
			digest: sha256Hex(facts),
			length: 1,
			excerpt: '',
			timeUs: -1,
			subject: 'host-01',
		}),
		farAhead('correlate'),
	);
	return [
		{ record: passed, code: 'unsealed' },
		{ record: sealed(passed, by('correlate')), code: 'wrong-sealer' },
		{ record: { ...passed, ...sealOf(genuine.verdict) }, code: 'bad-seal' },
		// Whoever has the detector's own key: the signer checks the facts against the head that the verdict names.
		{ record: sealed(otherHead, by('detect')), code: 'facts-mismatch' },
		{ record: finding, code: 'unsealed' },
		{ record: sealed(finding, by('sign')), code: 'wrong-sealer' },
		{ record: { ...stamped(genuine.session, facts), ...sealOf(genuine.session) }, code: 'bad-seal' },
		{ record: letter, code: 'unsealed' },
		...Object.values(genuine).map((record) => ({
			record: { ...stamped(record, record.value), ...sealOf(record) },
			code: null,
		})),
	];
}

const stamped = (
	{ topic, key, origin }: LogRecord,
	value: Uint8Array,
	over = origin as Origin,
): OutRecord & { origin: Origin } => ({ topic, key, value, origin: over });

const sealOf = ({ seal }: LogRecord): Pick<StampedRecord, 'seal'> => (seal === null ? {} : { seal });

export const letterOf = (value: Uint8Array, code: string): ExpectedDeadLetter => ({ code, digest: sha256Hex(value) });

/** Written by a program that knows nothing of us: no headers, any partition, no value. */
export async function writeForeignRecords(
	{ brokers, prefix }: Pick<GivenServers, 'brokers' | 'prefix'>,
	partitions: number,
): Promise<ExpectedDeadLetter[]> {
	const producer = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).producer();
	const letters: ExpectedDeadLetter[] = [];
	await producer.connect();
	try {
		for (const [topic, code] of foreignTopics)
			for (const [i, value] of [Buffer.from('no record'), null].entries()) {
				const key = `foreign-${topic}`;
				const misplaced = i === 1 && topic !== 'trace';
				const partition = (partitionOf(key, partitions) + (misplaced ? 1 : 0)) % partitions;
				await producer.send({ topic: prefix + topic, acks: -1, messages: [{ key, value, partition }] });
				letters.push(letterOf(value ?? new Uint8Array(0), misplaced ? 'misplaced' : code));
			}
	} finally {
		await producer.disconnect();
	}
	return letters;
}

const foreignTopics: readonly (readonly [Topic, string])[] = [
	['trace', 'not-a-batch'],
	['session', 'unsealed'],
	['verdict', 'unsealed'],
	['finding', 'unsealed'],
];
