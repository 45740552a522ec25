// Stage `sign`: verdicts to signed attestations. Files first, records after: a crash in between repeats both to the same end.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { attestationCodec, verdictCodec } from '@affidavit/model/codec.ts';
import { isSha256, sha256Hex } from '@affidavit/model/digests.ts';
import type { DeadLetter } from '@affidavit/model/generated/deadletter.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Blobs, LogRecord, OutRecord } from '@affidavit/stream/ports.ts';
import type { Stage, StepResult } from '@affidavit/stream/stage.ts';
import type { SignLimits } from './core/limits.ts';
import { defaultLimits } from './core/limits.ts';
import { deriveStatements } from './derive.ts';
import { publishEnvelope } from './envelope-folder.ts';
import type { RefusalCode } from './errors.ts';
import { removeFolder, removeLeftovers, temporaryName } from './leftovers.ts';
import type { EnvelopeSigner } from './signing/envelope-signer.ts';
import { outlastTransient } from './transient.ts';

export interface SignDeps {
	/** Batches of the verdict's session in order of appending (list `verdict.factsList` of the correlate scope). */
	readFacts(verdict: Verdict): AsyncIterable<Uint8Array>;
	blobs: Blobs;
	signer: EnvelopeSigner;
	/** Attestations folder: `<session>/r<revision>/<name>.dsse.json`. */
	outDir: string;
	emit: Emit;
	limits?: Partial<SignLimits>;
	/** Waits between tries; tests do not wait. */
	sleep?: (ms: number) => Promise<void>;
}

type SignResult =
	| { kind: 'signed'; records: OutRecord[] }
	| { kind: 'refused'; code: RefusalCode; reason: string; timeUs: number };

export function createSignStage(deps: SignDeps): Stage {
	const limits: SignLimits = { ...defaultLimits, ...deps.limits };
	const sleep = deps.sleep ?? ((ms: number) => setTimeout(ms));
	return {
		name: 'sign',
		input: 'verdict',
		outputs: ['attestation'],
		async open(partition) {
			// Another process may sign into the same folder: only what no living one owns is removed.
			removeLeftovers(join(deps.outDir, '.tmp'));
			const folder = temporaryName(join(deps.outDir, '.tmp', `p${partition}`));
			rmSync(folder, { recursive: true, force: true });
			return {
				async step(records, replayed) {
					const result = emptyResult(records);
					if (replayed) return result;
					for (const record of records) {
						const signed = await outlastTransient(() => signRecord(record, deps, limits, folder), deps.emit, sleep);
						if (signed.kind === 'signed') result.outputs.push({ offset: record.offset, records: signed.records });
						else result.deadLetters.push(refuse(record, signed, deps.emit));
					}
					removeFolder(folder);
					return result;
				},
			};
		},
	};
}

function emptyResult(records: readonly LogRecord[]): StepResult {
	const next = (records.at(-1)?.offset ?? -1) + 1;
	return {
		outputs: [],
		cells: new Map(),
		appends: [],
		deadLetters: [],
		// Nothing is pending between verdicts: each is signed within its own step.
		lowWaterOffset: next,
		rebuildOffset: next,
	};
}

async function signRecord(record: LogRecord, deps: SignDeps, limits: SignLimits, folder: string): Promise<SignResult> {
	let verdict: Verdict;
	try {
		verdict = verdictCodec.decode(record.value);
	} catch {
		return { kind: 'refused', code: 'not-a-verdict', reason: 'value: expected an encoded Verdict', timeUs: -1 };
	}
	// The id becomes a folder's name.
	if (!isSha256(verdict.session) || verdict.session !== record.key || verdict.revision < 1) {
		const reason = 'session: expected 64 lower-case hex digits, the same as the key; revision: from 1';
		return { kind: 'refused', code: 'session-id', reason, timeUs: -1 };
	}
	const records: OutRecord[] = [];
	const { blobs, outDir, signer, emit } = deps;
	const derived = await deriveStatements(
		verdict,
		{ batches: deps.readFacts(verdict), blobs, limits, folder },
		async (statement) => {
			const published = await publishEnvelope(outDir, verdict, statement, signer);
			if (published.renamed)
				emit({
					name: 'attestation_name_taken',
					stage: 'sign',
					reason: 'other-payload',
					intentional: false,
					message: `${statement.name}: another statement of this session and revision is in the attestations folder; written as ${published.reference}`,
					detail: { session: verdict.session, envelope: published.reference },
				});
			const { predicateType, sha256: payloadSha256, subjects, step } = statement;
			const value = attestationCodec.encode({
				session: verdict.session,
				revision: verdict.revision,
				predicateType,
				payloadSha256,
				envelope: published.reference,
				gitoid: published.gitoid,
				subjects,
				verdict: verdict.verdict,
				step,
			});
			records.push({ topic: 'attestation', key: verdict.session, value });
		},
	);
	if (derived.kind === 'refused') return { ...derived, timeUs: -1 };
	const { dropped } = derived.session.facts;
	if (dropped > 0)
		emit({
			name: 'sign_facts_dropped',
			stage: 'sign',
			reason: 'session-limit',
			intentional: true,
			count: dropped,
			message: 'a session has more facts than the signer holds: signed as incomplete',
			detail: { session: verdict.session },
		});
	return { kind: 'signed', records };
}

function refuse(
	record: LogRecord,
	{ code, reason, timeUs }: { code: RefusalCode; reason: string; timeUs: number },
	emit: Emit,
): DeadLetter {
	const origin = `${record.topic}/${record.partition}/${record.offset}`;
	emit({
		name: 'verdict_not_signed',
		stage: 'sign',
		reason: code,
		intentional: false,
		message: `${origin}: ${reason}`,
	});
	return {
		stage: 'sign',
		origin,
		code,
		message: reason,
		digest: sha256Hex(record.value),
		length: record.value.length,
		// The session id or nothing: a verdict's bytes hold arguments and paths.
		excerpt: isSha256(record.key) ? record.key : '',
		timeUs,
		subject: '',
	};
}
