// Runs a rule's own cases: given these facts, then exactly these findings of this rule. A case names only what matters;
// the rest comes from a small cast of processes and one committed file.
import { sha256Hex } from '@affidavit/model/digests.ts';
import { emptyFacts, type Facts, type FileFact } from '@affidavit/model/facts.ts';
import type {
	ClosedFact,
	ConnectFact,
	GapFact,
	OpenedFact,
	ProcessFact,
	ProductFact,
	PtraceFact,
} from '@affidavit/model/generated/session.ts';
import type { Finding } from '@affidavit/model/generated/verdict.ts';
import type { Manifest } from '@affidavit/model/manifest.ts';
import { memoryFacts } from '../core/fact-source.ts';
import { createIndicatorSet } from '../core/indicator-set.ts';
import { judgeSession } from '../core/judge-session.ts';
import { defaultLimits } from '../core/limits.ts';
import type { RuleCase } from './rule-schema.ts';
import { type RuleSet, withOptions } from './rule-set.ts';

export const caseSession: string = sha256Hex('case');
const caseCommit = `${'c0ffee'.repeat(6)}c0ff`;
const startUs = 1_000_000;

const opened: OpenedFact = {
	timeUs: startUs,
	host: 'host',
	boot: 'boot',
	matcher: 'github-actions',
	jobKey: 'job',
	ciRunId: '1',
	repository: 'example/app',
	commit: caseCommit,
	rootExecId: 'root',
	workspace: '/w',
	step: 'build',
};
const process: ProcessFact = {
	timeUs: startUs,
	execId: '',
	parentExecId: 'root',
	pid: 100,
	uid: 1000,
	binary: '/usr/bin/true',
	arguments: '',
	cwd: '/w',
	flags: 'execve clone',
	container: '',
	root: false,
	foreign: false,
	executed: true,
	digest: '',
	dev: -1,
	ino: '',
	environment: {},
};
const file: FileFact = {
	op: 'read',
	execId: 'cc1',
	foreign: false,
	path: '/w/src/a.c',
	path2: '',
	dev: 1,
	ino: '10',
	version: 0,
	size: 100,
	flags: 32768,
	digest: '',
	assurance: 'kernel',
	otherSize: -1,
	heldBy: '',
	writer: '',
	writerForeign: false,
	firstUs: 2_000_000,
	lastUs: 2_000_000,
	count: 1,
	copies: 0,
};
const connect: ConnectFact = {
	op: 'connect',
	execId: 'cc1',
	family: 'AF_INET',
	address: '192.0.2.1',
	port: 443,
	firstUs: 2_000_000,
	lastUs: 2_000_000,
	count: 1,
};
const ptrace: PtraceFact = {
	op: 'ptrace',
	execId: 'stranger',
	foreign: true,
	targetExecId: 'cc1',
	targetPid: 103,
	request: 16902,
	firstUs: 2_000_000,
	lastUs: 2_000_000,
	count: 1,
};
const gap: GapFact = { cause: 'loss-counter', detail: '', fromUs: 2_000_000, toUs: 3_000_000, count: 1 };
const product: ProductFact = {
	path: '/w/out',
	dev: 1,
	ino: '99',
	version: 1,
	digest: '',
	size: -1,
	assurance: 'none',
	writer: 'ld',
	timeUs: 8_000_000,
};
const closed: ClosedFact = {
	timeUs: 9_000_000,
	reason: 'exited',
	events: 1,
	orphanProcesses: 0,
	filesWithoutDigest: 0,
	copies: 0,
	lossCounters: 'known',
	workspaceWatched: true,
	hooks: [],
};
const cast: ProcessFact[] = [
	{ ...process, execId: 'root', parentExecId: 'runner', pid: 100, binary: '/usr/bin/bash', root: true },
	{ ...process, execId: 'make', parentExecId: 'root', pid: 101, binary: '/usr/bin/make' },
	{ ...process, execId: 'gcc', parentExecId: 'make', pid: 102, binary: '/usr/bin/gcc' },
	{ ...process, execId: 'cc1', parentExecId: 'gcc', pid: 103, binary: '/usr/libexec/gcc/x86_64-linux-gnu/14/cc1' },
	{ ...process, execId: 'as', parentExecId: 'gcc', pid: 104, binary: '/usr/bin/as' },
	{ ...process, execId: 'ld', parentExecId: 'make', pid: 105, binary: '/usr/bin/ld' },
	{ ...process, execId: 'git', parentExecId: 'root', pid: 106, binary: '/usr/bin/git' },
	{ ...process, execId: 'stranger', parentExecId: 'init', pid: 900, binary: '/usr/bin/python3', foreign: true },
];

/** `$NAME` stands for the sha256 of NAME. */
export const caseDigest = (text: string): string => (text.startsWith('$') ? sha256Hex(text.slice(1)) : text);

function filled<T extends object>(defaults: T, given: Record<string, unknown>): T {
	const result: Record<string, unknown> = Object.fromEntries(Object.entries(defaults));
	for (const [key, value] of Object.entries(given)) {
		if (!(key in defaults)) throw new TypeError(`case: ${key}: expected one of ${Object.keys(defaults).join(', ')}`);
		result[key] = key === 'digest' ? caseDigest(String(value)) : value;
	}
	if ('firstUs' in given && !('lastUs' in given)) result['lastUs'] = given['firstUs'];
	return result as T;
}

export function caseFacts(given: RuleCase['given']): Facts {
	return {
		...emptyFacts(),
		opened: filled(opened, given.opened ?? {}),
		processes: [...cast, ...(given.processes ?? []).map((p) => filled(process, p))],
		files: (given.files ?? []).map((f) => filled(file, f)),
		connections: (given.connections ?? []).map((c) => filled(connect, c)),
		ptraces: (given.ptraces ?? []).map((p) => filled(ptrace, p)),
		gaps: (given.gaps ?? []).map((g) => filled(gap, g)),
		products: (given.products ?? []).map((p) => filled(product, p)),
		closed: filled(closed, given.closed ?? {}),
	};
}

export function caseManifest(commit: RuleCase['given']['commit']): Manifest | null {
	if (commit === null) return null;
	const files: Manifest['files'] = Object.create(null);
	for (const [path, entry] of Object.entries(commit ?? { 'src/a.c': { sha256: '$a', size: 100 } }))
		files[path] = { sha256: caseDigest(entry.sha256), size: entry.size };
	return { version: 1, repository: 'example/app', commit: caseCommit, files, unresolved: {} };
}

export const caseIndicators = (denied: readonly string[]) =>
	createIndicatorSet(
		denied.map((value) => ({
			value: caseDigest(value),
			kind: 'digest' as const,
			status: 'bad' as const,
			reason: 'case',
			author: '',
			createdUs: 0,
			expiresUs: -1,
		})),
	);

/** The findings of one rule for one of its cases. */
export async function runCase(rules: RuleSet, rule: string, one: RuleCase): Promise<Finding[]> {
	const facts = caseFacts(one.given);
	const manifest = caseManifest(one.given.commit);
	const verdict = await judgeSession({
		session: caseSession,
		opened: facts.opened,
		facts: memoryFacts([facts]),
		manifest,
		manifestNote: manifest ? '' : 'not-configured',
		rules: withOptions(rules, { strictSources: one.given.strictSources ?? false }),
		indicators: caseIndicators(one.given.denied ?? []),
		limits: defaultLimits,
		gaps: [],
		pins: { factsList: '', factsHead: new Uint8Array(32), factBatches: 1 },
		emit: () => {},
	});
	return verdict.findings.filter((f) => f.rule === rule);
}
