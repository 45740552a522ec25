// What the simulated hosts have to tell: decoded events of small streams, recorded and synthetic, with their manifests resolved.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createManifestResolver, type ManifestAnswer } from '@affidavit/detect/manifest/resolver.ts';
import type { DecodedEvent } from '@affidavit/ingest/batch/batcher.ts';
import { createJsonDecoder } from '@affidavit/ingest/json/decoder.ts';
import { makeRepository } from '../synthetic/repository.ts';
import * as scenarios from '../synthetic/scenarios.ts';
import type { StreamBuilder } from '../synthetic/stream-builder.ts';

/** One host's events, in order of arrival. */
export interface Recording {
	name: string;
	host: string;
	events: readonly DecodedEvent[];
}

export type Manifests = ReadonlyMap<string, ManifestAnswer>;

export interface Recordings {
	synthetic: readonly Recording[];
	/** 07-net-foreign: 2,213 events. */
	recorded: Recording;
	/** By repository name: each recording builds one commit only. */
	manifests: Manifests;
}

const fixture = new URL('../fixtures/traces/07-net-foreign/', import.meta.url);
const recordedRepository = 'example/capp7';
const syntheticRepository = 'example/synthetic';

const makers: Readonly<Record<string, (commit: string) => StreamBuilder>> = scenarios as never;
const names = [
	'clean',
	'sixSteps',
	'stranger',
	'sameSizeWithWrite',
	'sameSizeByMapping',
	'sameSizeSilent',
	'sameSizeSilentTwice',
	'openFlood',
	'rootExecsLast',
	'lossInside',
	'fallsSilent',
];

/** `folder`: where the synthetic repository and the manifest cache go. */
export async function loadRecordings(folder: string): Promise<Recordings> {
	const repository = join(folder, 'synthetic');
	const commit = makeRepository(repository);
	const resolve = createManifestResolver({
		repositories: { [syntheticRepository]: repository, [recordedRepository]: new URL('repo.bundle', fixture).pathname },
		cacheDir: join(folder, 'cache'),
		emit: () => {},
	});
	const text = gunzipSync(readFileSync(new URL('events.jsonl.gz', fixture))).toString();
	const recorded = decode('07-net-foreign', text.split('\n').filter(Boolean));
	const commitRecorded = commitOf(recorded);
	return {
		synthetic: names.map((name) => decode(name, (makers[name] as (commit: string) => StreamBuilder)(commit).lines())),
		recorded,
		manifests: new Map([
			[syntheticRepository, await whole(resolve({ repository: syntheticRepository, commit, workspace: '' }))],
			[
				recordedRepository,
				await whole(resolve({ repository: recordedRepository, commit: commitRecorded, workspace: '' })),
			],
		]),
	};
}

async function whole(answer: Promise<ManifestAnswer>): Promise<ManifestAnswer> {
	const resolved = await answer;
	if (resolved.manifest === null) throw new Error(`manifest: ${resolved.note}`);
	return resolved;
}

const commitOf = ({ events }: Recording): string => {
	for (const { process } of events) {
		const { GITHUB_SHA: commit, GITHUB_REPOSITORY: repository } = process.environment;
		if (commit !== undefined && repository === recordedRepository) return commit;
	}
	throw new Error(`no process of ${recordedRepository} names a commit`);
};

export function decode(name: string, lines: readonly string[]): Recording {
	const decoder = createJsonDecoder();
	const events = lines.map((line) => {
		const decoded = decoder.decode(Buffer.from(line));
		if (decoded.kind === 'error') throw new Error(`${name}: ${decoded.message}`);
		return decoded;
	});
	const host = events[0]?.host ?? '';
	if (events.some((event) => event.host !== host)) throw new Error(`${name}: expected one host`);
	return { name, host, events };
}
