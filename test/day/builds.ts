// The builds that the day's hosts run: recorded and synthetic ones, each time as another run of the same script: processes, pids,
// temporary files, inodes and intermediate digests of its own, on the daemons that the host has had since its boot.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { DecodedEvent } from '@affidavit/ingest/batch/batcher.ts';
import type { ProcessInfo, TraceEvent } from '@affidavit/model/trace-event.ts';
import { fixtures } from '../e2e/affidavit.ts';
import { readExpectation } from '../e2e/expectation.ts';
import { decode } from '../sim/recordings.ts';
import { makeRepository } from '../synthetic/repository.ts';
import * as scenarios from '../synthetic/scenarios.ts';
import type { StreamBuilder } from '../synthetic/stream-builder.ts';

export interface Build {
	name: string;
	/** In order of time. */
	events: readonly DecodedEvent[];
	firstUs: number;
	/** Processes that were there before and stay. */
	standing: ReadonlySet<string>;
	/** Inodes of the system's own files. */
	systemInos: ReadonlySet<string>;
}

export interface Builds {
	/** Many: about a hundred events each. */
	small: readonly Build[];
	/** Few: thousands of events each. */
	large: readonly Build[];
	/** Repository name → folder or bundle. */
	repositories: Readonly<Record<string, string>>;
	indicators: readonly string[];
}

const makers: Readonly<Record<string, (commit: string) => StreamBuilder>> = scenarios as never;
const small = [
	'clean',
	'sixSteps',
	'rootExecsLast',
	'stranger',
	'sameSizeWithWrite',
	'sameSizeByMapping',
	'sameSizeSilent',
	'lossInside',
	'fallsSilent',
] as const;
const large = ['07-net-foreign', '08d-container-ns', '05-npm', '03-go-trojan-compiler', '02a-go-swap'] as const;

/** `folder`: where the synthetic repository goes. */
export function loadBuilds(folder: string): Builds {
	const repository = join(folder, 'synthetic');
	const commit = makeRepository(repository);
	const repositories: Record<string, string> = { 'example/synthetic': repository };
	const indicators: string[] = [];
	const recorded = large.map((stream) => {
		const expectation = readExpectation(stream);
		for (const [name, file] of Object.entries(expectation.repos)) repositories[name] = join(fixtures, stream, file);
		indicators.push(...(expectation.indicators ?? []));
		const text = gunzipSync(readFileSync(join(fixtures, stream, 'events.jsonl.gz'))).toString();
		return buildOf(stream, decode(stream, text.split('\n').filter(Boolean)).events);
	});
	const synthetic = small.map((name) =>
		buildOf(name, decode(name, (makers[name] as (commit: string) => StreamBuilder)(commit).lines()).events),
	);
	return { small: synthetic, large: recorded, repositories, indicators };
}

const systemPath = /^\/(usr|lib|lib64|bin|sbin|etc|opt|proc|sys|dev)\//;

function buildOf(name: string, decoded: readonly DecodedEvent[]): Build {
	const events = [...decoded].sort((a, b) => a.event.timeUs - b.event.timeUs);
	const standing = new Set<string>();
	const systemInos = new Set<string>();
	const passing = new Set<string>();
	const firstUs = events[0]?.event.timeUs ?? 0;
	for (const { event, process, parent } of events) {
		if (event.kind === 'exec' || event.kind === 'exit') passing.add(event.execId);
		if (systemPath.test(event.path)) systemInos.add(event.ino);
		for (const one of [process, parent]) if (one && one.startUs >= 0 && one.startUs < firstUs) standing.add(one.execId);
	}
	for (const execId of passing) standing.delete(execId);
	return { name, events, firstUs, standing, systemInos };
}

export interface RunOf {
	host: string;
	boot: number;
	/** Number of the build on its host. */
	run: number;
	startUs: number;
	bootUs: number;
}

export interface PlayedBuild {
	/** When the next event is, microseconds; Infinity after the last. */
	nextUs(): number;
	take(): DecodedEvent;
}

/** Builds of one host that may run beside each other: each has pids of its own. */
const pidSlots = 16;
const pidsPerSlot = 100_000;
const inosPerRun = 20_000_000;
const intermediate = /^\/(tmp|root\/\.cache)\/|\.(o|a|s|so)$/;

export function playBuild(build: Build, of: RunOf): PlayedBuild {
	const shiftUs = of.startUs - build.firstUs;
	const slot = 1 + (of.run % pidSlots);
	const ids = new Map<string, string>();
	const processes = new Map<ProcessInfo, ProcessInfo>();
	const digests = new Map<string, string>();
	let at = 0;

	const isStanding = (execId: string): boolean => execId === '' || build.standing.has(execId);
	const pidOf = (execId: string, pid: number): number =>
		pid < 0 || isStanding(execId) ? pid : pid + slot * pidsPerSlot;
	const idOf = (execId: string): string => {
		if (execId === '') return '';
		let id = ids.get(execId);
		if (id === undefined) {
			const [, ktime = '0', pid = '0'] = Buffer.from(execId, 'base64').toString('latin1').split(':');
			const life = isStanding(execId) ? `boot${of.boot}` : `run${of.run}`;
			id = Buffer.from(`${of.host}.${build.name}.${life}:${ktime}:${pidOf(execId, Number(pid))}`).toString('base64');
			ids.set(execId, id);
		}
		return id;
	};
	const processOf = (process: ProcessInfo): ProcessInfo => {
		const known = processes.get(process);
		if (known !== undefined) return known;
		const { startUs, execId, parentExecId, pid, environment } = process;
		const runId = environment['GITHUB_RUN_ID'];
		const moved: ProcessInfo = {
			...process,
			startUs: startUs < 0 ? startUs : isStanding(execId) ? of.bootUs : startUs + shiftUs,
			execId: idOf(execId),
			parentExecId: idOf(parentExecId),
			pid: pidOf(execId, pid),
			environment: runId === undefined ? environment : { ...environment, GITHUB_RUN_ID: `${runId}${of.run}` },
		};
		processes.set(process, moved);
		return moved;
	};
	const pathOf = (path: string): string => (path.startsWith('/tmp/') ? `/tmp/${of.run}-${path.slice(5)}` : path);
	const digestOf = ({ digest, path }: TraceEvent): string => {
		if (digest === '' || !intermediate.test(path)) return digest;
		let own = digests.get(digest);
		if (own === undefined) {
			own = createHash('sha256').update(`${digest}${of.host}${of.run}`).digest('hex');
			digests.set(digest, own);
		}
		return own;
	};
	const inoOf = (ino: string): string =>
		ino === '' || build.systemInos.has(ino) ? ino : String(Number(ino) + of.run * inosPerRun);
	return {
		nextUs: () => {
			const next = build.events[at];
			return next === undefined ? Number.POSITIVE_INFINITY : next.event.timeUs + shiftUs;
		},
		take: () => {
			const entry = build.events[at++] as DecodedEvent;
			const { event, process, parent } = entry;
			return {
				...entry,
				event: {
					...event,
					timeUs: event.timeUs + shiftUs,
					execId: idOf(event.execId),
					path: pathOf(event.path),
					path2: pathOf(event.path2),
					ino: inoOf(event.ino),
					digest: digestOf(event),
					pid: event.pid < 0 ? event.pid : event.pid + slot * pidsPerSlot,
				},
				process: processOf(process),
				parent: parent && processOf(parent),
			};
		},
	};
}
