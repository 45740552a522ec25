// Leads on arrival: a sighting feeds the leads of its session, and changes neither chain nor verdict.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findingCodec, verdictCodec } from '@affidavit/model/codec.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { decodeFactBatch, emptyFacts, encodeSighting, isSighting, sightingWithdrawn } from '@affidavit/model/facts.ts';
import type { Finding } from '@affidavit/model/generated/finding.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import { createAgent, run } from '../../correlate/test/support/pipeline.ts';
import { decodeStream } from '../../correlate/test/support/recorded.ts';
import { createIndicatorSet } from '../src/core/indicator-set.ts';
import { defaultLimits } from '../src/core/limits.ts';
import { createManifestResolver, type ManifestAnswer } from '../src/manifest/resolver.ts';
import { loadRuleSet } from '../src/rules/load.ts';
import { createDetectStage } from '../src/stage.ts';

const second = 1_000_000;
const traces = fileURLToPath(new URL('../../../test/fixtures/traces/', import.meta.url));
const stream = '02a-go-swap';
const rules = loadRuleSet();
const cacheDir = mkdtempSync(join(tmpdir(), 'affidavit-sightings-'));
after(() => rmSync(cacheDir, { recursive: true, force: true }));

/** A record of topic `session`, and when the agent sent what caused it. */
interface Caused {
	record: LogRecord;
	observedUs: number;
}

const recordOf = (key: string, value: Uint8Array, offset: number): LogRecord => ({
	topic: 'session',
	partition: 0,
	offset,
	key,
	value,
	timestampUs: -1,
	origin: null,
	seal: null,
	traceparent: null,
});

/** The stream as a live host sends it, a batch every 100 ms and a heartbeat every second, through correlate. */
async function caused(): Promise<Caused[]> {
	const { decoded } = decodeStream(stream);
	const sorted = [...decoded].sort((a, b) => a.event.timeUs - b.event.timeUs);
	const agent = createAgent('host', 'export');
	const records: LogRecord[] = [];
	const times: number[] = [];
	const send = (cut: typeof sorted, observedUs: number): void => {
		records.push(agent.record(cut, { observedUs }));
		times.push(observedUs);
	};
	let nowUs = sorted[0]?.event.timeUs ?? 0;
	for (let at = 0; at < sorted.length; ) {
		nowUs += 100_000;
		let end = at;
		while (end < sorted.length && (sorted[end]?.event.timeUs ?? 0) <= nowUs) end++;
		if (end > at) send(sorted.slice(at, end), nowUs);
		at = end;
	}
	for (let beat = 1; beat < 90; beat++) send([], nowUs + beat * second);
	const { results } = await run(records);
	const all: Caused[] = [];
	for (const [at, result] of results.entries())
		for (const { key, value } of result.outputs.flatMap((o) => o.records))
			all.push({ record: recordOf(key, value, all.length), observedUs: times[at] as number });
	return all;
}

interface Judged {
	findings: { finding: Finding; observedUs: number }[];
	verdicts: Verdict[];
	events: ReturnType<typeof collectingEmit>['events'];
}

let all: Caused[];
let manifest: ManifestAnswer;
before(async () => {
	all = await caused();
	const opened = all.flatMap(({ record }) => decodeFactBatch(record.value).facts.opened ?? [])[0];
	assert.ok(opened);
	const expectation = JSON.parse(readFileSync(join(traces, stream, 'expect.json'), 'utf8')) as {
		repos: Record<string, string>;
	};
	const repositories = new Map(
		Object.entries(expectation.repos).map(([name, file]) => [name, join(traces, stream, file)]),
	);
	manifest = await createManifestResolver({ repositories, cacheDir, emit: () => {} })(opened);
});

/** `restart`: a new worker for every record. */
async function judge(input: readonly Caused[], options: { restart?: boolean; sightedSessions?: number } = {}) {
	const { emit, events } = collectingEmit();
	const chains = new Map<string, Uint8Array[]>();
	for (const { record } of input)
		if (!isSighting(decodeFactBatch(record.value).link))
			chains.set(record.key, [...(chains.get(record.key) ?? []), record.value]);
	const stage = createDetectStage({
		rules,
		indicators: () => createIndicatorSet([]),
		resolveManifest: async () => manifest,
		blobs: { put: async (bytes) => sha256Hex(bytes) },
		async *readFacts(session) {
			yield* chains.get(session) ?? [];
		},
		limits: { sightedSessions: options.sightedSessions ?? defaultLimits.sightedSessions },
		emit,
	});
	const judged: Judged = { findings: [], verdicts: [], events };
	const cells = new Map<string, Uint8Array>();
	let worker = await stage.open(0, new Map());
	for (const { record, observedUs } of input) {
		if (options.restart) worker = await stage.open(0, new Map(cells));
		// The manifest comes between two records.
		await new Promise((resolve) => setImmediate(resolve));
		const result = await worker.step([record], false);
		assert.deepEqual(result.deadLetters, []);
		for (const [name, bytes] of result.cells)
			if (bytes === null) cells.delete(name);
			else cells.set(name, bytes);
		for (const { topic, value } of result.outputs.flatMap((o) => o.records))
			if (topic === 'finding') judged.findings.push({ finding: findingCodec.decode(value), observedUs });
			else judged.verdicts.push(verdictCodec.decode(value));
	}
	assert.deepEqual(
		[...cells.keys()].filter((name) => !name.startsWith('closed:')),
		[],
		'nothing stays',
	);
	return judged;
}

const isSighted = ({ record }: Caused): boolean => isSighting(decodeFactBatch(record.value).link);
const withOffsets = (input: readonly Caused[]): Caused[] =>
	input.map(({ record, observedUs }, offset) => ({ record: { ...record, offset }, observedUs }));

/** Without where the facts lie: offsets are not of what is judged. */
const said = ({ verdicts }: Judged) => verdicts.map((verdict) => ({ ...verdict, factsOffset: -1 }));

/** Each lead once, and then confirmed or withdrawn, once. */
function checkStates({ findings }: Judged): void {
	const states = new Map<string, string[]>();
	for (const { finding } of findings) states.set(finding.id, [...(states.get(finding.id) ?? []), finding.state]);
	for (const [id, list] of states) {
		assert.equal(list.filter((state) => state === 'lead').length <= 1, true, `${id}: ${list}`);
		if (list[0] === 'lead') assert.ok(list.length === 2 && list[1] !== 'lead', `${id}: ${list}`);
	}
}

describe('leads of a live host', () => {
	it('leave within a second of their event, though facts wait for ten', async () => {
		const judged = await judge(all);
		checkStates(judged);
		const leads = judged.findings.filter(({ finding }) => finding.state === 'lead');
		const swapped = leads.find(({ finding }) => finding.rule === 'compiler-read-differs-from-repo');
		assert.ok(swapped, 'the compiler read what is not in the commit');
		for (const { finding, observedUs } of leads.filter(({ finding }) => finding.severity === 'critical'))
			assert.ok(observedUs - finding.lastUs < second, `${finding.rule}: after ${observedUs - finding.lastUs} µs`);
		const late = await judge(withOffsets(all.filter((one) => !isSighted(one))));
		const settled = late.findings.find(({ finding }) => finding.id === swapped.finding.id);
		assert.ok(settled && settled.observedUs - swapped.observedUs > 8 * second, 'without sightings it would be late');
	});

	it('change no verdict, whether they come once, twice, or not at all', async () => {
		const plain = await judge(withOffsets(all.filter((one) => !isSighted(one))));
		const doubled = withOffsets(all.flatMap((one) => (isSighted(one) ? [one, one] : [one])));
		assert.ok(plain.verdicts.length > 0);
		for (const judged of [await judge(all), await judge(doubled), await judge(all, { restart: true })]) {
			checkStates(judged);
			assert.deepEqual(said(judged), said(plain));
		}
	});

	it('are withdrawn with a session that does not open', async () => {
		const opening = all.filter(isSighted);
		const [first] = opening;
		assert.ok(first);
		const own = opening.filter(({ record }) => record.key === first.record.key);
		const facts = emptyFacts();
		facts.notes.push({ cause: sightingWithdrawn, execId: '', detail: '', timeUs: 0, count: 1 });
		const value = encodeSighting(first.record.key, 0, facts);
		const end: Caused = { record: recordOf(first.record.key, value, 0), observedUs: 0 };
		for (const restart of [false, true]) {
			const judged = await judge(withOffsets([...own, end]), { restart });
			checkStates(judged);
			assert.ok(restart || judged.findings.some(({ finding }) => finding.state === 'withdrawn'));
		}
	});

	it('are dropped, and counted, when their session is closed or its beginning is not known', async () => {
		const last = all.filter(isSighted).at(-1) as Caused;
		const { events } = await judge(withOffsets([...all, last]));
		assert.deepEqual(
			events.filter(({ name }) => name === 'sighting_dropped').map(({ reason }) => reason),
			['closed'],
		);
		const unknown = await judge(withOffsets([last]));
		assert.deepEqual(
			unknown.events.map(({ name, reason }) => `${name} ${reason}`),
			['sighting_dropped unknown-session'],
		);
	});
});
