// What correlate and detect cost together on decoded events: the batches of recorded streams, taken out of their Avro and
// their signatures before. In the figure: the correlator's core, its state cells, the fact batches in Avro and their chains,
// and the whole detect stage. Not in it: the batches' signatures and decoding (benched as decoding), the log, the store.
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { snapshot } from '@affidavit/correlate/core/cells.ts';
import { createHost, type Settings } from '@affidavit/correlate/core/host.ts';
import { defaultLimits } from '@affidavit/correlate/core/limits.ts';
import { stepBatch } from '@affidavit/correlate/core/step.ts';
import { presetMatchers } from '@affidavit/correlate/stage.ts';
import { createIndicatorSet } from '@affidavit/detect/core/indicator-set.ts';
import { createManifestResolver, type ManifestAnswer } from '@affidavit/detect/manifest/resolver.ts';
import { loadRuleSet } from '@affidavit/detect/rules/load.ts';
import { createDetectStage } from '@affidavit/detect/stage.ts';
import { createBatcher, recordedBatchLimits } from '@affidavit/ingest/batch/batcher.ts';
import { createJsonDecoder } from '@affidavit/ingest/json/decoder.ts';
import { chainStart, verifySignedBatch } from '@affidavit/model/batch-signature.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { decodeFactBatch } from '@affidavit/model/facts.ts';
import type { UnpackedBatch } from '@affidavit/model/trace-event.ts';
import type { LogRecord, OutRecord } from '@affidavit/stream/ports.ts';
import { benchKey } from './bench-key.ts';
import { temporaryFolder } from './temporary-folder.ts';

const fixtures = new URL('../fixtures/traces/', import.meta.url);
const streams: Readonly<Record<string, Readonly<Record<string, string>>>> = {
	'01-go-clean': { 'example/goapp': 'repo.bundle' },
	'02a-go-swap': { 'example/goapp': 'repo.bundle' },
	'04-c-make': { 'example/capp': 'repo.bundle' },
	'06-two-builds': { 'example/goapp6': 'repo-goapp.bundle', 'example/capp': 'repo-capp.bundle' },
};

interface Decoded {
	batch: UnpackedBatch;
	payloadDigest: Uint8Array;
}

interface Recording {
	host: string;
	batches: Decoded[];
	events: number;
	repositories: Record<string, string>;
}

/** One stream as the batches that the agent would have written. */
function record(stream: string): Recording {
	const decoder = createJsonDecoder();
	const lines = gunzipSync(readFileSync(new URL(`${stream}/events.jsonl.gz`, fixtures))).toString('latin1');
	let batcher: ReturnType<typeof createBatcher> | null = null;
	const out: OutRecord[] = [];
	let events = 0;
	let newestUs = 0;
	const close = (endOfInput: boolean): void => {
		const closing = { observedUs: newestUs, losses: [], lossCounters: 'unknown' as const, endOfInput };
		if (batcher) out.push(batcher.close(closing).record);
	};
	for (const line of lines.split('\n')) {
		if (line === '') continue;
		const decoded = decoder.decode(Buffer.from(line, 'latin1'));
		if (decoded.kind === 'error') throw new Error(decoded.message);
		batcher ??= createBatcher({
			host: decoded.host,
			boot: 'bench',
			source: 'file',
			key: benchKey.host,
			limits: recordedBatchLimits,
			chain: chainStart(),
			hooks: [],
		});
		newestUs = Math.max(newestUs, decoded.event.timeUs);
		if (batcher.offer(decoded, 0) === 'close-first') {
			close(false);
			batcher.offer(decoded, 0);
		}
		events++;
	}
	close(true);
	const repositories = Object.fromEntries(
		Object.entries(streams[stream] ?? {}).map(([name, file]) => [
			name,
			new URL(`${stream}/${file}`, fixtures).pathname,
		]),
	);
	const batches = out.map(({ value }): Decoded => {
		const verified = verifySignedBatch(value, () => benchKey.publicKey);
		if (verified.kind === 'error') throw new Error(verified.message);
		return verified;
	});
	return { host: batches[0]?.batch.host ?? '', batches, events, repositories };
}

type Manifests = ReadonlyMap<string, ManifestAnswer>;

const settings: Settings = { limits: defaultLimits, matchers: presetMatchers, adoptions: [], step: 'build' };

/** Plays one recording through a fresh host and a fresh detect worker, one batch a step; returns the number of verdicts. */
async function play({ host: name, batches }: Recording, manifests: Manifests): Promise<number> {
	const host = createHost(name);
	const facts = new Map<string, Uint8Array[]>();
	const detect = await createDetectStage({
		rules,
		indicators: () => indicators,
		resolveManifest: async ({ repository }) => manifests.get(repository) ?? { manifest: null, note: 'none' },
		blobs: { put: async (bytes) => sha256Hex(bytes) },
		async *readFacts(session) {
			yield* facts.get(session) ?? [];
		},
		emit: () => {},
	}).open(0, new Map());
	let offset = 0;
	let verdicts = 0;
	for (const [at, { batch, payloadDigest }] of batches.entries()) {
		const { outputs } = stepBatch(settings, host, batch, payloadDigest, at, new Map());
		snapshot(host, new Map());
		const records: LogRecord[] = [];
		for (const { session, bytes } of outputs) {
			const list = facts.get(session.id) ?? [];
			facts.set(session.id, list);
			list.push(bytes);
			records.push({
				topic: 'session',
				partition: 0,
				offset: offset++,
				key: session.id,
				value: bytes,
				timestampUs: -1,
				origin: null,
				seal: null,
				traceparent: null,
			});
		}
		if (records.length === 0) continue;
		const judged = await detect.step(records, false);
		for (const { records: outputs } of judged.outputs)
			for (const { topic } of outputs) if (topic === 'verdict') verdicts++;
	}
	return verdicts;
}

const rules = loadRuleSet();
const indicators = createIndicatorSet([]);

async function resolveAll(recordings: readonly Recording[], folder: string): Promise<Manifests[]> {
	const all: Manifests[] = [];
	for (const { repositories, host: name, batches } of recordings) {
		const resolve = createManifestResolver({ repositories, cacheDir: `${folder}/repositories`, emit: () => {} });
		const seen = new Map<string, ManifestAnswer>();
		const requests: { repository: string; commit: string }[] = [];
		const host = createHost(name);
		for (const [at, { batch, payloadDigest }] of batches.entries())
			for (const { bytes } of stepBatch(settings, host, batch, payloadDigest, at, new Map()).outputs) {
				const { opened } = decodeFactBatch(bytes).facts;
				if (opened) requests.push(opened);
			}
		for (const { repository, commit } of requests)
			seen.set(repository, await resolve({ repository, commit, workspace: '' }));
		all.push(seen);
	}
	return all;
}

/** CPU seconds of this process per million events. Throws when a session gets no verdict: then nothing was measured. */
export async function benchPipeline(rounds = 13): Promise<{ cpuSecondsPerMillion: number; events: number }> {
	const folder = temporaryFolder();
	try {
		const recordings = Object.keys(streams).map(record);
		const manifests = await resolveAll(recordings, folder);
		const events = recordings.reduce((sum, r) => sum + r.events, 0);
		const samples: number[] = [];
		for (let round = 0; round < rounds; round++) {
			const before = process.cpuUsage();
			let verdicts = 0;
			for (const [i, recording] of recordings.entries()) verdicts += await play(recording, manifests[i] as Manifests);
			const used = process.cpuUsage(before);
			if (verdicts !== 5) throw new Error(`pipeline: ${verdicts} verdicts, expected 5`);
			samples.push((used.user + used.system) / events);
		}
		// The first round warms the compiler up.
		const sorted = samples.slice(1).sort((a, b) => a - b);
		return { cpuSecondsPerMillion: sorted[sorted.length >> 1] as number, events };
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}
