// Frames over a schema registry. At open every version of the topics' schemas gets its id there; a new id on the wire is fetched
// once and compared with ours by its canonical form. Between two pages nothing here waits.
import { setTimeout as sleep } from 'node:timers/promises';
import { schemaFingerprint } from '@affidavit/model/canonical-schema.ts';
import { foreignId, frameIdOf, writeFrame } from '@affidavit/model/frame.ts';
import {
	frozenSchema,
	type SchemaVersion,
	type Subject,
	schemaName,
	schemaVersions,
} from '@affidavit/model/schema-history.ts';
import { StreamError } from '../errors.ts';
import type { Emit } from '../internal-event.ts';
import type { Topic } from '../ports.ts';
import { topics as allTopics } from '../topics.ts';
import { createRegistryClient, type RegistryClient } from './client.ts';
import type { Frames } from './frames.ts';
import type { RegistryConnection } from './request.ts';

export interface RegistryFramesOptions extends RegistryConnection {
	/** Before each topic's name, as in the Kafka log. Default `affidavit.`. The registry's subject is PREFIX TOPIC `-value`. */
	topicPrefix?: string;
	/** Topics that will be read or written. Default all. */
	topics?: readonly Topic[];
	/** false: schemas that the registry does not hold are not added to it but refused at open. Default true. */
	register?: boolean;
}

/** The schema of each topic's values. */
export const topicSubjects: Readonly<Record<Topic, Subject>> = {
	trace: 'signed-batch',
	session: 'session',
	finding: 'finding',
	verdict: 'verdict',
	attestation: 'attestation',
	indicator: 'indicator',
	host: 'host',
	deadletter: 'deadletter',
};

/** Ids of the registry that are one of our schemas: more than one where somebody registered it with other docs. */
const learnedIdsMax = 4096;
/** Ids that are none of ours are asked for again after this long. */
const foreignMs = 60_000;
const foreignIdsMax = 4096;
/** A registry's follower may not have an id yet that was just given: asked again after these, unless many ids are unknown. */
const absentDelaysMs = [100, 300];
const patientUpTo = 16;
/** New ids of one page asked for at a time. */
const fetchesAtOnce = 8;

/**
 * Rejects with StreamError: `unavailable` while the registry does not answer, `refused` when it does not let us in, finds a schema
 * incompatible, or lacks one that may not be registered. Throws RangeError for options that can never work.
 */
export async function openRegistryFrames(options: RegistryFramesOptions): Promise<Frames> {
	const client = createRegistryClient(options);
	try {
		const wireIds = await wireIdsOf(client, options);
		return createFrames(client, wireIds, options.emit ?? (() => {}));
	} catch (error) {
		await client.close();
		throw error;
	}
}

/** The registry's id of each version of the topics' schemas, by our id; oldest first, as the registry checks them. */
async function wireIdsOf(client: RegistryClient, options: RegistryFramesOptions): Promise<Map<number, number>> {
	const { topicPrefix = 'affidavit.', register = true } = options;
	const wireIds = new Map<number, number>();
	const taken = new Map<number, SchemaVersion>();
	for (const topic of options.topics ?? allTopics) {
		const subject = `${topicPrefix}${topic}-value`;
		for (const version of schemaVersions) {
			if (version.subject !== topicSubjects[topic]) continue;
			const text = JSON.stringify(frozenSchema(version));
			const id = register ? await client.register(subject, text) : await client.lookUp(subject, text);
			if (id === null)
				throw new StreamError(
					'refused',
					`${subject}: the registry does not hold ${schemaName(version)}: register it first`,
				);
			const other = taken.get(id);
			if (other !== undefined)
				throw new StreamError(
					'refused',
					`${subject}: the registry gave id ${id} to ${schemaName(version)} and to ${schemaName(other)}`,
				);
			taken.set(id, version);
			wireIds.set(version.id, id);
		}
	}
	return wireIds;
}

interface Known {
	client: RegistryClient;
	emit: Emit;
	/** Our id by the registry's: those given at open. */
	registered: ReadonlyMap<number, number>;
	/** The same, of those met since. */
	learned: Map<number, number>;
	/** Ids that are none of ours, and until when that is believed. */
	foreign: Map<number, number>;
	/** Ids being fetched. */
	learning: Map<number, Promise<void>>;
}

function createFrames(client: RegistryClient, wireIds: ReadonlyMap<number, number>, emit: Emit): Frames {
	const registered = new Map([...wireIds].map(([id, wireId]) => [wireId, id]));
	const learned = new Map<number, number>();
	const known: Known = { client, emit, registered, learned, foreign: new Map(), learning: new Map() };
	return {
		toWire: (topic, value) => {
			// A tombstone.
			if (value.byteLength === 0) return value;
			const id = frameIdOf(value);
			const wireId = id === null ? undefined : wireIds.get(id);
			if (wireId === undefined)
				throw new StreamError('refused', `${topic}: a value of schema ${id}: expected one of the topic's`);
			if (wireId === id) return value;
			const wire = Buffer.from(value);
			writeFrame(wire, wireId);
			return wire;
		},
		fromWire: (_topic, value) => {
			const wireId = frameIdOf(value);
			// Below zero it is what we mark foreign ids with: it stays refused.
			if (wireId === null || wireId < 0) return value;
			writeFrame(value, registered.get(wireId) ?? learned.get(wireId) ?? foreignId(wireId));
			return value;
		},
		prepare: async (_topic, values) => {
			const missing = missingIds(known, values);
			if (missing !== null) await learnAll(known, [...missing]);
		},
		close: () => client.close(),
	};
}

function missingIds({ registered, learned, foreign }: Known, values: readonly Uint8Array[]): Set<number> | null {
	let missing: Set<number> | null = null;
	let last = 0;
	for (let i = 0; i < values.length; i++) {
		const id = frameIdOf(values[i] as Uint8Array);
		// Nearly all of a page have one id.
		if (id === null || id <= 0 || id === last) continue;
		last = id;
		if (registered.has(id) || learned.has(id) || (foreign.get(id) ?? 0) > Date.now()) continue;
		missing ??= new Set();
		missing.add(id);
	}
	return missing;
}

async function learnAll(known: Known, ids: readonly number[]): Promise<void> {
	for (let at = 0; at < ids.length; at += fetchesAtOnce)
		await Promise.all(ids.slice(at, at + fetchesAtOnce).map((id) => learnOnce(known, id)));
}

function learnOnce(known: Known, id: number): Promise<void> {
	const underWay = known.learning.get(id);
	if (underWay !== undefined) return underWay;
	const learning = learn(known, id).finally(() => known.learning.delete(id));
	known.learning.set(id, learning);
	return learning;
}

async function learn(known: Known, id: number): Promise<void> {
	const { client, learned, foreign, emit } = known;
	let fetched = await client.fetch(id);
	for (let i = 0; fetched.kind === 'absent' && i < absentDelaysMs.length && foreign.size < patientUpTo; i++) {
		await sleep(absentDelaysMs[i]);
		fetched = await client.fetch(id);
	}
	const version = fetched.kind === 'schema' ? versionWith(fetched.schema) : undefined;
	if (version !== undefined) {
		dropOldest(learned, learnedIdsMax);
		learned.set(id, version.id);
		return;
	}
	const now = Date.now();
	foreign.delete(id);
	// In order of time.
	for (const [old, untilMs] of foreign) {
		if (untilMs > now) break;
		foreign.delete(old);
	}
	dropOldest(foreign, foreignIdsMax);
	foreign.set(id, now + foreignMs);
	emit({
		name: 'foreign_schemas_seen',
		stage: 'schema-registry',
		reason: fetched.kind === 'absent' ? 'unknown-id' : 'not-ours',
		intentional: false,
		message: `a record names schema ${id} of the registry, which is none of this program's: it will be refused`,
		detail: { id },
	});
}

function versionWith(schema: unknown): SchemaVersion | undefined {
	try {
		const fingerprint = schemaFingerprint(schema);
		return schemaVersions.find((version) => version.fingerprint === fingerprint);
	} catch {
		// No schema at all, or one nested beyond any of ours.
		return undefined;
	}
}

function dropOldest(map: Map<number, number>, sizeMax: number): void {
	if (map.size < sizeMax) return;
	for (const oldest of map.keys()) {
		map.delete(oldest);
		return;
	}
}
