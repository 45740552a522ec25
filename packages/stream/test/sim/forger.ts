// Someone who may write to every topic and has no service's key, or another service's: what a broker's ACLs let through.
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Log, LogRecord, OutRecord, StampedRecord, Topic } from '../../src/ports.ts';
import { createKeyedSeals } from '../../src/seal/keyed-seals.ts';
import type { Seals } from '../../src/seal/seal.ts';
import type { Random } from './random.ts';

/** Seals of each stage; any of them checks the others'. */
export function sealsOf(stages: readonly string[]): Map<string, Seals> {
	const keys = new Map<string, { privateKey: KeyObject; publicKey: KeyObject; keyId: string; stage: string }>();
	for (const stage of stages) {
		const { privateKey } = generateKeyPairSync('ed25519');
		keys.set(`key-${stage}`, { privateKey, publicKey: createPublicKey(privateKey), keyId: `key-${stage}`, stage });
	}
	const resolve = (keyId: string) => {
		const key = keys.get(keyId);
		return key && { publicKey: key.publicKey, writes: (_: Topic, stage: string) => stage === key.stage };
	};
	return new Map([...keys.values()].map((own) => [own.stage, createKeyedSeals({ own, resolve })]));
}

/** Of a process that runs all stages: each record is sealed by its own stage. */
export function unitedSeals(seals: ReadonlyMap<string, Seals>): Seals {
	const of = (stage: string): Seals => {
		const found = seals.get(stage);
		if (!found) throw new Error(`${stage}: expected one of ${[...seals.keys()].join(', ')}`);
		return found;
	};
	return {
		seal: (record) => of(record.origin.stage).seal(record),
		// What is published together is one stage's.
		sealAll: (records) => (records[0] ? of(records[0].origin.stage).sealAll(records) : []),
		check: (record) => [...seals.values()][0]?.check(record) ?? null,
	};
}

export interface Forgery {
	record: StampedRecord;
	/** False for a copy of a genuine record: that is no forgery, and is dropped as any copy. */
	forged: boolean;
}

/** Something to append to `topic`, made from what lies there. `lie` gives the bytes that the forger would like to be believed. */
export function forge(
	genuine: LogRecord,
	seals: ReadonlyMap<string, Seals>,
	random: Random,
	lie: (genuine: LogRecord) => Uint8Array,
): Forgery | null {
	const { topic, key, value, origin, seal } = genuine;
	if (origin === null || seal === null) return null;
	const lied: OutRecord = { topic, key, value: lie(genuine) };
	const far = { ...origin, offset: [origin.offset + 1, 1e6, Number.MAX_SAFE_INTEGER - 1][random.below(3)] as number };
	switch (random.below(5)) {
		case 0:
			return { record: { ...lied, origin: far }, forged: true };
		case 1: {
			const others = [...seals].filter(([stage]) => stage !== origin.stage);
			const [, other] = others[random.below(others.length)] ?? [];
			if (!other) return null;
			return { record: { ...lied, origin: far, seal: other.seal({ ...lied, origin: far }) }, forged: true };
		}
		case 2:
			return { record: { ...lied, origin: far, seal }, forged: true };
		case 3:
			return { record: { topic, key, value, origin: far, seal }, forged: true };
		default:
			return { record: { topic, key, value, origin, seal }, forged: false };
	}
}

/** One that a stage wrote; null when there is none yet. */
export async function someGenuine(log: Log, topic: Topic, seals: Seals, random: Random): Promise<LogRecord | null> {
	const partition = random.below(log.partitions(topic));
	const { start, end } = await log.bounds(topic, partition);
	const [record] = await log.read(topic, partition, start + random.below(end - start), { records: 1, bytes: 1 });
	return record && seals.check(record) === null ? record : null;
}
