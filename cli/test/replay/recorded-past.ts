// A data folder as `affidavit up` leaves it, with recorded streams as its past at chosen times of the log.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { resolveConfig } from '@affidavit/cli/config/resolve.ts';
import type { Config } from '@affidavit/cli/config/schema.ts';
import { loadSettings } from '@affidavit/cli/settings.ts';
import { createPipeline } from '@affidavit/cli/topology.ts';
import { signedBatchCodec, traceBatchCodec, verdictCodec } from '@affidavit/model/codec.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import { openFolderBlobs } from '@affidavit/stream/embedded/blobs.ts';
import { openEmbeddedLog } from '@affidavit/stream/embedded/log.ts';
import { openEmbeddedStore } from '@affidavit/stream/embedded/store.ts';
import type { OutRecord } from '@affidavit/stream/ports.ts';
import { readTopic } from '@affidavit/stream/runner/read-topic.ts';
import { openTopology } from '@affidavit/stream/runner/topology.ts';
import { createRandom } from '../../../packages/stream/test/sim/random.ts';
import { fixtures } from '../../../test/e2e/affidavit.ts';
import { readExpectation } from '../../../test/e2e/expectation.ts';
import { type DeliveryKind, deliver, plainPlan } from '../../../test/sim/delivery.ts';
import { decode, type Recording } from '../../../test/sim/recordings.ts';
import { temporaryFolder } from '../run-cli.ts';

export interface PastRecording {
	/** Of the fixtures, or made for the test. */
	stream: string | Recording;
	/** `file` ends with its input; `export` is a live host. Default file. */
	kind?: DeliveryKind;
	/** In place of the recorded host's name. */
	host?: string;
	/** Log time at which its batches come, milliseconds since 1970, and how far they are apart. `observed`: as the host says. */
	atMs: number | 'observed';
	stepMs?: number;
	/** Events of a batch, at most. Default 200. */
	batchMax?: number;
	/** What becomes of its records on their way. */
	change?: (records: OutRecord[]) => OutRecord[];
}

export interface RecordedPast {
	data: string;
	config: Config;
	/** In the order in which they were written. */
	verdicts: Verdict[];
	/** For the command: the repositories. */
	repos: string[];
}

export function configOf(data: string, more: Record<string, unknown>): Config {
	const file = join(data, 'affidavit.yaml');
	const text = JSON.stringify({ dataDir: data, log: { level: 'error' }, ...more });
	writeFileSync(file, text);
	const resolved = resolveConfig({
		flags: [],
		env: {},
		file: { name: file, text, dir: data },
		cwd: data,
		defaultDataDir: data,
	});
	if (resolved.kind === 'error') throw new Error(resolved.problems.join('\n'));
	return resolved.config;
}

export const repositoriesOf = (streams: Iterable<string>): Record<string, string> =>
	Object.fromEntries(
		[...streams].flatMap((stream) =>
			Object.entries(readExpectation(stream).repos).map(([name, file]) => [name, join(fixtures, stream, file)]),
		),
	);

export function recordsOf(
	{ stream, kind = 'file', host, change, batchMax = 200 }: PastRecording,
	key: Parameters<typeof deliver>[3],
): OutRecord[] {
	const recording = typeof stream === 'string' ? readRecording(stream) : stream;
	const plan = { ...plainPlan(kind, 'unknown'), batchMax };
	const records = deliver({ ...recording, host: host ?? recording.host }, plan, createRandom(7), key);
	return change ? change(records) : records;
}

function readRecording(stream: string): Recording {
	const text = gunzipSync(readFileSync(join(fixtures, stream, 'events.jsonl.gz'))).toString();
	return decode(stream, text.split('\n').filter(Boolean));
}

const observedUs = ({ value }: OutRecord): number =>
	traceBatchCodec.decode(signedBatchCodec.decode(value).payload).observedUs;

/** The log is closed when it resolves. */
export async function makePast(
	t: Parameters<typeof temporaryFolder>[0],
	recordings: readonly PastRecording[],
	more: Record<string, unknown> = {},
): Promise<RecordedPast> {
	const data = temporaryFolder(t);
	const repositories = repositoriesOf(recordings.flatMap(({ stream }) => (typeof stream === 'string' ? [stream] : [])));
	const config = configOf(data, { repositories, ...more });
	const emit = (): void => {};
	const settings = await loadSettings(config, {}, emit);
	let nowUs = 0;
	const folder = join(data, 'live');
	const log = openEmbeddedLog({ folder, emit, nowUs: () => nowUs });
	const store = openEmbeddedStore({ folder });
	const blobs = await openFolderBlobs({ folder: join(data, 'blobs') });
	const pipeline = createPipeline({ config, log, store, blobs, emit, ...settings });
	const verdicts: Verdict[] = [];
	try {
		const topology = await openTopology(pipeline.stages, { log, store, emit });
		let written = 0;
		for (const recording of recordings) {
			const { atMs, stepMs = 1 } = recording;
			if (atMs !== 'observed') nowUs = atMs * 1000;
			for (const record of recordsOf(recording, settings.hostKey)) {
				if (atMs === 'observed') nowUs = observedUs(record);
				const origin = { stage: `ingest:${record.key}`, partition: 0, offset: written++, index: 0 };
				await log.append([{ ...record, origin }]);
				if (atMs !== 'observed') nowUs += stepMs * 1000;
			}
			await topology.run({ until: Promise.resolve() });
		}
		for await (const { value } of readTopic(log, 'verdict')) verdicts.push(verdictCodec.decode(value));
	} finally {
		await pipeline.close();
		await store.close();
		await log.close();
	}
	const repos = Object.entries(repositories).flatMap(([name, location]) => ['--repo', `${name}=${location}`]);
	return { data, config, verdicts, repos };
}
