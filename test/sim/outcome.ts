// What a run leaves behind for its readers, in a form that two runs can be compared by.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnvelope, payloadSha256 } from '@affidavit/attest/dsse.ts';
import { attestationCodec, deadLetterCodec, findingCodec, verdictCodec } from '@affidavit/model/codec.ts';
import type { DeadLetter } from '@affidavit/model/generated/deadletter.ts';
import type { Finding, Verdict } from '@affidavit/model/generated/verdict.ts';
import type { Log, LogRecord, Topic } from '@affidavit/stream/ports.ts';
import { readTopic } from '@affidavit/stream/runner/read-topic.ts';
import type { Seals } from '@affidavit/stream/seal/seal.ts';

export interface SessionOutcome {
	verdict: Verdict['verdict'];
	/** Known losses, as `cause detail`. */
	gaps: string[];
	/** `predicateType payloadSha256`, sorted; one entry for each attestation record. */
	statements: string[];
	/** Encoded findings in state confirmed, hex, sorted; one entry for each record. */
	confirmed: string[];
	/** Ids of findings whose lead was neither confirmed nor withdrawn. */
	unresolvedLeads: string[];
}

export interface Outcome {
	/** By session id. */
	sessions: Map<string, SessionOutcome>;
	hosts: Map<string, string>;
	deadLetters: DeadLetter[];
}

/** Reads the log as a reader does that drops copies. Throws when an envelope is missing, or a session has two verdicts. */
export async function readOutcome(log: Log, outDir: string, seals?: Seals): Promise<Outcome> {
	const records = (topic: Topic): AsyncGenerator<LogRecord> => recordsOf(log, topic, seals);
	const sessions = new Map<string, SessionOutcome>();
	const leads = new Map<string, Set<string>>();
	for await (const { key, value, origin } of records('verdict')) {
		const { verdict, completeness } = verdictCodec.decode(value);
		if (sessions.has(key)) throw new Error(`session ${key}: a second verdict, from ${JSON.stringify(origin)}`);
		const gaps = completeness.gaps.map(({ cause, detail }) => `${cause} ${detail}`);
		sessions.set(key, { verdict, gaps, statements: [], confirmed: [], unresolvedLeads: [] });
		leads.set(key, new Set());
	}
	// Sighted when a child came before its parent, and taken back when the parent's session opened.
	const unopened = new Map<string, Set<string>>();
	const of = (key: string): SessionOutcome => {
		const found = sessions.get(key);
		if (!found) throw new Error(`session ${key}: no verdict`);
		return found;
	};
	for await (const { key, value } of records('attestation')) {
		const { predicateType, payloadSha256: sha256, envelope } = attestationCodec.decode(value);
		checkEnvelope(join(outDir, envelope), sha256);
		of(key).statements.push(`${predicateType} ${sha256}`);
	}
	for await (const { key, value } of records('finding')) {
		const { id, state } = findingCodec.decode(value);
		if (!sessions.has(key)) {
			noteUnopened(unopened, key, id, state);
			continue;
		}
		const session = of(key);
		if (state === 'lead') leads.get(key)?.add(id);
		else leads.get(key)?.delete(id);
		if (state === 'confirmed') session.confirmed.push(Buffer.from(value).toString('hex'));
	}
	for (const [key, session] of sessions) {
		session.statements.sort();
		session.confirmed.sort();
		session.unresolvedLeads = [...(leads.get(key) ?? [])].sort();
	}
	for (const [key, left] of unopened)
		if (left.size > 0) throw new Error(`session ${key}: no verdict, and the leads ${[...left].join(', ')}`);
	const deadLetters: DeadLetter[] = [];
	for await (const { value } of records('deadletter')) deadLetters.push(deadLetterCodec.decode(value));
	return { sessions, hosts: await hostsOf(records('session')), deadLetters };
}

function noteUnopened(unopened: Map<string, Set<string>>, key: string, id: string, state: Finding['state']): void {
	const left = unopened.get(key) ?? new Set();
	unopened.set(key, left);
	if (state === 'lead') left.add(id);
	else if (state === 'withdrawn') left.delete(id);
	else throw new Error(`session ${key}: no verdict, and the confirmed finding ${id}`);
}

async function* recordsOf(log: Log, topic: Topic, seals: Seals | undefined): AsyncGenerator<LogRecord> {
	for (let partition = 0; partition < log.partitions(topic); partition++)
		yield* readTopic(log, topic, partition, seals);
}

async function hostsOf(records: AsyncIterable<LogRecord>): Promise<Map<string, string>> {
	const { decodeFactBatch } = await import('@affidavit/model/facts.ts');
	const hosts = new Map<string, string>();
	for await (const { key, value } of records) {
		if (hosts.has(key)) continue;
		try {
			hosts.set(key, decodeFactBatch(value).facts.opened?.host ?? '');
		} catch {
			// Injected: no fact batch at all.
		}
	}
	return hosts;
}

function checkEnvelope(path: string, sha256: string): void {
	const parsed = parseEnvelope(readFileSync(path));
	if (parsed.kind !== 'envelope' || payloadSha256(parsed.envelope) !== sha256)
		throw new Error(`${path}: expected the payload ${sha256}`);
}
