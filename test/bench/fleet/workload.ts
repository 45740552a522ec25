// The events of the fleet benchmark: recorded streams, each played by many hosts, as the agent's signed batches and as one
// message an event for the Kafka Streams peer. Both sides get the same events in the same order.
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { createHost, type Settings } from '@affidavit/correlate/core/host.ts';
import { defaultLimits } from '@affidavit/correlate/core/limits.ts';
import { stepBatch } from '@affidavit/correlate/core/step.ts';
import { presetMatchers } from '@affidavit/correlate/stage.ts';
import { createBatcher, type DecodedEvent, recordedBatchLimits } from '@affidavit/ingest/batch/batcher.ts';
import { createJsonDecoder } from '@affidavit/ingest/json/decoder.ts';
import { chainStart, verifySignedBatch } from '@affidavit/model/batch-signature.ts';
import { decodeFactBatch } from '@affidavit/model/facts.ts';
import avsc from 'avsc';
import { benchKey } from '../bench-key.ts';

const fixtures = new URL('../../fixtures/traces/', import.meta.url);
/** Whole builds with one or two sessions each. */
const streams = [
	'01-go-clean',
	'01b-go-clean-warm',
	'02a-go-swap',
	'02b-go-ptrace',
	'03-go-trojan-compiler',
	'04-c-make',
	'05-npm',
	'06-two-builds',
] as const;

export interface Recording {
	stream: string;
	events: DecodedEvent[];
}

export function loadRecordings(): Recording[] {
	return streams.map((stream) => {
		const decoder = createJsonDecoder();
		const events: DecodedEvent[] = [];
		const lines = gunzipSync(readFileSync(new URL(`${stream}/events.jsonl.gz`, fixtures))).toString('latin1');
		for (const line of lines.split('\n')) {
			if (line === '') continue;
			const decoded = decoder.decode(Buffer.from(line, 'latin1'));
			if (decoded.kind === 'error') throw new Error(`${stream}: ${decoded.message}`);
			events.push(decoded);
		}
		return { stream, events };
	});
}

/** A recording as the agent of `host` sends it: the values of topic `trace`, in order. */
export function batchesOf(recording: Recording, host: string): Uint8Array[] {
	const batcher = createBatcher({
		host,
		boot: 'bench',
		source: 'file',
		key: benchKey.host,
		limits: recordedBatchLimits,
		chain: chainStart(),
		hooks: [],
	});
	const values: Uint8Array[] = [];
	let newestUs = 0;
	const close = (endOfInput: boolean): void => {
		const closing = { observedUs: newestUs, losses: [], lossCounters: 'unknown' as const, endOfInput };
		values.push(batcher.close(closing).record.value);
	};
	for (const entry of recording.events) {
		newestUs = Math.max(newestUs, entry.event.timeUs);
		if (batcher.offer(entry, 0) === 'added') continue;
		close(false);
		if (batcher.offer(entry, 0) !== 'added') throw new Error(`${recording.stream}: an event fits into no batch`);
	}
	close(true);
	return values;
}

/** Session of each exec id, by the correlator itself: the peer is given what it would have to find out. */
function sessionsOf(values: readonly Uint8Array[], name: string): { byExecId: Map<string, string>; count: number } {
	const settings: Settings = { limits: defaultLimits, matchers: presetMatchers, adoptions: [], step: 'build' };
	const host = createHost(name);
	const byExecId = new Map<string, string>();
	const sessions = new Set<string>();
	for (const [at, value] of values.entries()) {
		const verified = verifySignedBatch(value, () => benchKey.publicKey);
		if (verified.kind === 'error') throw new Error(verified.message);
		for (const { session, bytes } of stepBatch(settings, host, verified.batch, verified.payloadDigest, at, new Map())
			.outputs) {
			sessions.add(session.id);
			for (const { execId } of decodeFactBatch(bytes).facts.processes) byExecId.set(execId, session.id);
		}
	}
	return { byExecId, count: sessions.size };
}

export interface Work {
	/** Events in all. */
	events: number;
	/** Build sessions in all. */
	sessions: number;
	hosts: { name: string; recording: Recording }[];
}

/** As many hosts as give at least `events` events, each recording equally often. */
export function planWork(recordings: readonly Recording[], events: number): Work {
	const each = recordings.reduce((sum, recording) => sum + recording.events.length, 0);
	const copies = Math.max(1, Math.ceil(events / each));
	const work: Work = { events: each * copies, sessions: 0, hosts: [] };
	for (const recording of recordings) {
		const { count } = sessionsOf(batchesOf(recording, 'probe'), 'probe');
		work.sessions += count * copies;
	}
	for (let copy = 0; copy < copies; copy++)
		for (const recording of recordings) work.hosts.push({ name: `host-${recording.stream}-${copy}`, recording });
	return work;
}

/** The same events for the peer, in the file format that its loader reads (streams/src/main/java/affidavit/Load.java). */
export function writePeerEvents(work: Work, file: string): void {
	const type = avsc.Type.forSchema(JSON.parse(readFileSync(new URL('streams/event.avsc', import.meta.url), 'utf8')));
	const perRecording = new Map<Recording, Map<string, string>>();
	for (const { recording } of work.hosts)
		if (!perRecording.has(recording))
			perRecording.set(recording, sessionsOf(batchesOf(recording, 'probe'), 'probe').byExecId);
	const fd = openSync(file, 'w');
	try {
		for (const { name, recording } of work.hosts) writeHost(fd, type, name, recording, perRecording.get(recording));
	} finally {
		closeSync(fd);
	}
}

const untold = { parentExecId: '', binary: '', arguments: '', cwd: '' };

function writeHost(
	fd: number,
	type: avsc.Type,
	host: string,
	{ events }: Recording,
	sessions: ReadonlyMap<string, string> | undefined,
): void {
	// What belongs to no session is aggregated too: the correlator keeps the whole host's history.
	const keyOf = ({ event }: DecodedEvent): string =>
		createHash('sha256')
			.update(`${host}/${sessions?.get(event.execId) ?? ''}`)
			.digest('hex');
	const keys = events.map(keyOf);
	const last = new Map(keys.map((key, i) => [key, i]));
	const chunks = events.map(({ event, process }, i) => {
		const key = Buffer.from(keys[i] as string);
		// As a frugal producer would: a process is described when it starts, and named afterwards.
		const told = event.kind === 'exec' ? process : untold;
		const value = type.toBuffer({
			timeUs: event.timeUs,
			host,
			kind: event.kind,
			hook: event.hook,
			execId: event.execId,
			parentExecId: told.parentExecId,
			pid: process.pid,
			uid: process.uid,
			binary: told.binary,
			arguments: told.arguments,
			cwd: told.cwd,
			path: event.path,
			path2: event.path2,
			dev: event.dev,
			ino: event.ino,
			size: event.size,
			flags: event.flags,
			digest: event.digest,
			last: last.get(keys[i] as string) === i,
		});
		const head = Buffer.allocUnsafe(6 + key.length);
		head.writeUInt16BE(key.length, 0);
		key.copy(head, 2);
		head.writeUInt32BE(value.length, 2 + key.length);
		return Buffer.concat([head, value]);
	});
	writeSync(fd, Buffer.concat(chunks));
}
