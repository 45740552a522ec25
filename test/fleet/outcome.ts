// What a fleet has left in its topics and its attestations folder, and how it differs from what one process makes of the same
// streams. Reads as a stage does: without copies, and without what no trusted service wrote.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnvelope, payloadSha256 } from '@affidavit/attest/dsse.ts';
import { alertMessage } from '@affidavit/detect/alert/message.ts';
import { attestationCodec, deadLetterCodec, findingCodec, verdictCodec } from '@affidavit/model/codec.ts';
import type { DeadLetter } from '@affidavit/model/generated/deadletter.ts';
import type { Log, LogRecord, Topic } from '@affidavit/stream/ports.ts';
import { readTopic } from '@affidavit/stream/runner/read-topic.ts';
import type { Seals } from '@affidavit/stream/seal/seal.ts';
import type { Expected } from './expected.ts';

export interface FleetSession {
	/** One for each record of topic `verdict`. */
	verdicts: string[];
	/** `predicateType payloadSha256`; one for each record of topic `attestation`, sorted. */
	statements: string[];
	/** Ids, one for each record of topic `finding` in that state, sorted. */
	lead: string[];
	confirmed: string[];
	withdrawn: string[];
}

export interface FleetOutcome {
	/** By session id. */
	sessions: Map<string, FleetSession>;
	/** Findings of no session, about a host or a session that forged records name. */
	hostFindings: { rule: string; subject: string; count: number }[];
	deadLetters: DeadLetter[];
	/** Attestation records whose envelope is missing or holds another payload. */
	envelopeFaults: string[];
	/** webhook-id of every confirmed finding, as the alert stage posts it: it names the finding and what is said of it. */
	alerts: string[];
}

export async function readFleetOutcome(log: Log, outDir: string, seals?: Seals): Promise<FleetOutcome> {
	const outcome: FleetOutcome = {
		sessions: new Map(),
		hostFindings: [],
		deadLetters: [],
		envelopeFaults: [],
		alerts: [],
	};
	for await (const { key, value } of recordsOf(log, 'verdict', seals))
		sessionOf(outcome, key).verdicts.push(verdictCodec.decode(value).verdict);
	for await (const { key, value } of recordsOf(log, 'attestation', seals)) {
		const { predicateType, payloadSha256: sha256, envelope } = attestationCodec.decode(value);
		sessionOf(outcome, key).statements.push(`${predicateType} ${sha256}`);
		const fault = envelopeFault(join(outDir, envelope), sha256);
		if (fault !== null) outcome.envelopeFaults.push(fault);
	}
	for await (const { key, value } of recordsOf(log, 'finding', seals)) {
		const finding = findingCodec.decode(value);
		if (finding.state === 'confirmed') outcome.alerts.push(alertMessage(finding).id);
		if (finding.session === '') outcome.hostFindings.push({ rule: finding.rule, subject: key, count: finding.count });
		else sessionOf(outcome, key)[finding.state].push(finding.id);
	}
	for await (const { value } of recordsOf(log, 'deadletter', seals))
		outcome.deadLetters.push(deadLetterCodec.decode(value));
	for (const session of outcome.sessions.values()) for (const list of Object.values(session) as string[][]) list.sort();
	return outcome;
}

async function* recordsOf(log: Log, topic: Topic, seals: Seals | undefined): AsyncGenerator<LogRecord> {
	for (let partition = 0; partition < log.partitions(topic); partition++)
		yield* readTopic(log, topic, partition, seals);
}

function sessionOf({ sessions }: FleetOutcome, id: string): FleetSession {
	let session = sessions.get(id);
	if (session === undefined) {
		session = { verdicts: [], statements: [], lead: [], confirmed: [], withdrawn: [] };
		sessions.set(id, session);
	}
	return session;
}

function envelopeFault(path: string, sha256: string): string | null {
	try {
		const parsed = parseEnvelope(readFileSync(path));
		if (parsed.kind === 'envelope' && payloadSha256(parsed.envelope) === sha256) return null;
		return `${path}: expected an envelope of the payload ${sha256}`;
	} catch (error) {
		return `${path}: ${(error as Error).message}`;
	}
}

/** A dead letter as the one that put the bad record there can foretell it. */
export interface ExpectedDeadLetter {
	code: string;
	/** sha256 of the record's value, hex. */
	digest: string;
}

/** In words; empty when every session is as expected, and the dead letters are exactly those. */
export function outcomeDifferences(
	outcome: FleetOutcome,
	expected: Expected,
	deadLetters: readonly ExpectedDeadLetter[] = [],
): string[] {
	const wrong: string[] = [...outcome.envelopeFaults];
	for (const [id, { host, verdict, statements, confirmed }] of expected) {
		const session = outcome.sessions.get(id);
		const name = `${host} ${id.slice(0, 8)}`;
		if (session === undefined) {
			wrong.push(`${name}: not there`);
			continue;
		}
		compare(wrong, `${name}: verdicts`, session.verdicts, [verdict]);
		compare(wrong, `${name}: statements`, session.statements, statements);
		compare(wrong, `${name}: confirmed findings`, session.confirmed, confirmed);
		wrong.push(...leadFaults(name, session));
	}
	for (const [id, session] of outcome.sessions)
		if (!expected.has(id) && !wasTakenBack(session)) wrong.push(`session ${id}: expected none`);
	const alerts = new Set<string>();
	for (const id of outcome.alerts) {
		if (alerts.has(id)) wrong.push(`finding ${id}: doubled`);
		alerts.add(id);
	}
	compare(wrong, 'dead letters', outcome.deadLetters.map(letterText).sort(), deadLetters.map(letterText).sort());
	return wrong;
}

const letterText = ({ code, digest }: ExpectedDeadLetter): string => `${code} ${digest.slice(0, 16)}`;

/** Sighted before its parent came, it never opened: every lead of it was withdrawn. */
const wasTakenBack = ({ verdicts, statements, confirmed, lead, withdrawn }: FleetSession): boolean =>
	verdicts.length + statements.length + confirmed.length === 0 && lead.every((id) => withdrawn.includes(id));

/** A lead comes once, and is then confirmed or withdrawn, once. */
function leadFaults(name: string, { lead, confirmed, withdrawn }: FleetSession): string[] {
	const wrong: string[] = [];
	for (const [state, ids] of Object.entries({ lead, confirmed, withdrawn }))
		for (const [i, id] of ids.entries()) if (id === ids[i + 1]) wrong.push(`${name}: ${state} ${id}: doubled`);
	for (const id of lead)
		if (confirmed.includes(id) === withdrawn.includes(id))
			wrong.push(`${name}: lead ${id}: expected either its confirmation or its withdrawal`);
	for (const id of withdrawn) if (!lead.includes(id)) wrong.push(`${name}: ${id}: withdrawn, and was no lead`);
	return wrong;
}

function compare(wrong: string[], what: string, found: readonly string[], expected: readonly string[]): void {
	if (found.length === expected.length && found.every((text, i) => text === expected[i])) return;
	const missing = expected.filter((text) => !found.includes(text));
	const more = found.filter((text, i) => !expected.includes(text) || found.indexOf(text) !== i);
	wrong.push(`${what}: missing [${missing.join(', ')}], too many [${more.join(', ')}]`);
}
