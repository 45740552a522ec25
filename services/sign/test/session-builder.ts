// Hand-made sessions: a build of main.c by make and cc into `app`, varied by each test.
import { sha256Hex } from '@affidavit/model/digests.ts';
import type { Facts, FileFact } from '@affidavit/model/facts.ts';
import { chainStart, emptyFacts, encodeFactBatch } from '@affidavit/model/facts.ts';
import type { ProcessFact } from '@affidavit/model/generated/session.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import type { Manifest } from '@affidavit/model/manifest.ts';
import { manifestBytes } from '@affidavit/model/manifest.ts';

export const session = sha256Hex('a session');
export const commit = 'a'.repeat(40);
export const workspace = '/work/capp';
export const digestOf = (content: string): string => sha256Hex(content);
export const start = 1_780_000_000_000_000;

export const fileFact = (over: Partial<FileFact>): FileFact => ({
	op: 'read',
	execId: 'cc',
	foreign: false,
	path: `${workspace}/main.c`,
	path2: '',
	dev: 1,
	ino: '10',
	version: 0,
	size: 4,
	flags: 32768,
	digest: digestOf('main'),
	assurance: 'kernel',
	otherSize: -1,
	heldBy: '',
	writer: '',
	writerForeign: false,
	firstUs: start + 100,
	lastUs: start + 100,
	count: 1,
	copies: 0,
	...over,
});

export const processFact = (over: Partial<ProcessFact>): ProcessFact => ({
	timeUs: start,
	execId: 'make',
	parentExecId: '',
	pid: 100,
	uid: 0,
	binary: '/usr/bin/make',
	arguments: '',
	cwd: workspace,
	flags: 'execve',
	container: '',
	root: false,
	foreign: false,
	executed: true,
	digest: digestOf('make'),
	dev: 1,
	ino: '2',
	environment: {},
	...over,
});

/** A clean build of two processes. */
export function buildFacts(): Facts {
	const cc = { execId: 'cc', path: '/usr/bin/cc', ino: '3', digest: digestOf('cc'), size: 2 };
	return {
		...emptyFacts(),
		opened: {
			timeUs: start,
			host: 'builder-1',
			boot: 'boot-1',
			matcher: 'github-actions',
			jobKey: 'example/capp 4001',
			ciRunId: '4001',
			repository: 'example/capp',
			commit,
			rootExecId: 'make',
			workspace,
			step: 'build',
		},
		processes: [
			processFact({ root: true, arguments: 'all "CFLAGS=-O2 -g"' }),
			processFact({
				execId: 'cc',
				parentExecId: 'make',
				pid: 101,
				timeUs: start + 50,
				binary: '/usr/bin/cc',
				arguments: '-o app main.c',
				digest: digestOf('cc'),
				ino: '3',
			}),
		],
		exits: [
			{ timeUs: start + 400, execId: 'cc', status: 0, signal: '' },
			{ timeUs: start + 500, execId: 'make', status: 0, signal: '' },
		],
		files: [
			fileFact({ op: 'execute', execId: 'make', path: '/usr/bin/make', ino: '2', digest: digestOf('make'), flags: -1 }),
			fileFact({ op: 'execute', ...cc, flags: -1 }),
			fileFact({}),
			fileFact({ path: '/usr/include/stdio.h', ino: '20', digest: digestOf('stdio') }),
			fileFact({
				op: 'write',
				path: `${workspace}/app`,
				ino: '30',
				version: 1,
				digest: '',
				assurance: 'none',
				flags: -1,
			}),
		],
		connections: [
			{
				op: 'connect',
				execId: 'cc',
				family: 'AF_INET',
				address: '127.0.0.1',
				port: 8099,
				firstUs: start + 10,
				lastUs: start + 10,
				count: 1,
			},
		],
		products: [
			{
				path: `${workspace}/app`,
				dev: 1,
				ino: '30',
				version: 1,
				digest: digestOf('app'),
				size: 3,
				assurance: 'kernel',
				writer: 'cc',
				timeUs: start + 300,
			},
		],
		closed: {
			timeUs: start + 500,
			reason: 'exited',
			events: 20,
			orphanProcesses: 0,
			filesWithoutDigest: 0,
			copies: 0,
			lossCounters: 'known',
			workspaceWatched: true,
			hooks: ['bprm_check_security', 'file_post_open'],
		},
	};
}

export const manifest = (files: Record<string, string> = { 'main.c': 'main' }): Manifest => ({
	version: 1,
	repository: 'example/capp',
	commit,
	files: Object.fromEntries(
		Object.entries(files).map(([path, content]) => [path, { sha256: digestOf(content), size: content.length }]),
	),
	unresolved: {},
});

/** Cuts facts into batches: the first has `opened`, the last `closed` and the products. */
export function cut(facts: Facts, pieces: number): Facts[] {
	const share = <T>(list: readonly T[], i: number): T[] =>
		list.slice(Math.floor((i * list.length) / pieces), Math.floor(((i + 1) * list.length) / pieces));
	return Array.from({ length: pieces }, (_, i) => ({
		opened: i === 0 ? facts.opened : null,
		processes: share(facts.processes, i),
		exits: share(facts.exits, i),
		files: share(facts.files, i),
		connections: share(facts.connections, i),
		ptraces: share(facts.ptraces, i),
		gaps: share(facts.gaps, i),
		notes: share(facts.notes, i),
		products: i === pieces - 1 ? facts.products : [],
		closed: i === pieces - 1 ? facts.closed : null,
	}));
}

export interface Chain {
	batches: Uint8Array[];
	head: Uint8Array;
}

export function chainOf(pieces: readonly Facts[], of: string = session): Chain {
	let previous: Uint8Array = Buffer.from(chainStart);
	const batches: Uint8Array[] = [];
	for (const [sequence, facts] of pieces.entries()) {
		const { bytes, head } = encodeFactBatch({ session: of, sequence, previous, watermarkUs: start + sequence }, facts);
		batches.push(bytes);
		previous = head;
	}
	return { batches, head: previous };
}

export function verdictFor(chain: Chain, over: Partial<Verdict> = {}): Verdict {
	return {
		session,
		revision: 1,
		verdict: 'passed',
		findings: [],
		completeness: {
			lostEvents: 0,
			lossCounters: 'known',
			sensorMixUps: 0,
			copies: 0,
			unverified: 0,
			orphanProcesses: 0,
			filesWithoutDigest: 0,
			reasons: [],
			gaps: [],
			notObservable: [],
		},
		ruleSet: sha256Hex('rules'),
		indicatorSet: sha256Hex('indicators'),
		manifest: manifestBytes(manifest()).digest,
		manifestNote: '',
		commit,
		repository: 'example/capp',
		factsList: `facts:${session}`,
		factsHead: chain.head,
		factBatches: chain.batches.length,
		processes: 2,
		files: 4,
		connections: 1,
		factsPartition: -1,
		factsOffset: -1,
		...over,
	};
}

export async function* stream(batches: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, void> {
	for (const bytes of batches) yield bytes;
}
