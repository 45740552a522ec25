// Reads a session's facts once, in bounded memory: checks their chain, sorts the file facts outside memory, and lets
// everything that a statement needs pass over them in canonical order.
import { compareFileFacts, foldFileFact } from '@affidavit/model/fact-order.ts';
import type { FileFact } from '@affidavit/model/facts.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import type { Manifest } from '@affidavit/model/manifest.ts';
import { failsSession } from '@affidavit/model/severity.ts';
import type { Blobs } from '@affidavit/stream/ports.ts';
import type { ChosenFiles } from './core/chosen-files.ts';
import { createChosenFiles } from './core/chosen-files.ts';
import { createExecutions } from './core/executions.ts';
import { createFactChain } from './core/fact-chain.ts';
import { fileFactJson, fileLogLine, logLine } from './core/fact-line.ts';
import type { FactLog, GatheredSession } from './core/gathered.ts';
import type { OrderedFacts } from './core/held-facts.ts';
import { emptyHeldFacts, holdFacts, orderFacts } from './core/held-facts.ts';
import type { SignLimits } from './core/limits.ts';
import { createMaterialCollector } from './core/materials.ts';
import { createOpenedFileCollector } from './core/opened-files.ts';
import { tracedProcess } from './core/runtime-trace.ts';
import type { DigestSorter } from './index-digests.ts';
import { addFileDigest, addProcessDigests } from './index-digests.ts';
import type { Sorter } from './sort/external-sort.ts';
import { createSorter } from './sort/external-sort.ts';

export interface GatherDeps {
	batches: AsyncIterable<Uint8Array>;
	manifest: Manifest | null;
	blobs: Blobs;
	limits: SignLimits;
	/** Folder for temporary files. */
	folder: string;
	/** Gets the digests for the index statement. */
	digests: DigestSorter;
}

export type GatherResult = { kind: 'session'; session: GatheredSession } | { kind: 'mismatch'; reason: string };

export async function gatherSession(verdict: Verdict, deps: GatherDeps): Promise<GatherResult> {
	const { limits, folder } = deps;
	const sorter = createSorter<FileFact>({
		compare: compareFileFacts,
		fold: foldFileFact,
		encode: fileFactJson,
		decode: (line) => JSON.parse(line) as FileFact,
		folder,
		runItemsMax: limits.runItemsMax,
	});
	try {
		const read = await readChain(verdict, deps, sorter);
		if (read.kind === 'mismatch') return read;
		return { kind: 'session', session: await passOver(sorter, read.facts, verdict, deps) };
	} finally {
		sorter.dispose();
	}
}

async function readChain(
	verdict: Verdict,
	{ batches, limits }: GatherDeps,
	sorter: Sorter<FileFact>,
): Promise<{ kind: 'facts'; facts: OrderedFacts } | { kind: 'mismatch'; reason: string }> {
	const chain = createFactChain(verdict);
	const held = emptyHeldFacts();
	if (!chain.full())
		for await (const bytes of batches) {
			const step = chain.accept(bytes);
			if (step.kind === 'mismatch') return step;
			for (const fact of step.facts.files) sorter.add(fact);
			holdFacts(held, step.facts, limits.heldFactsMax);
			if (chain.full()) break;
		}
	const end = chain.end();
	if (end.kind === 'mismatch') return end;
	const facts = orderFacts(held);
	if (!facts) return { kind: 'mismatch', reason: 'facts: expected a first fact (opened) and a last one (closed)' };
	return { kind: 'facts', facts };
}

async function passOver(
	sorter: Sorter<FileFact>,
	facts: OrderedFacts,
	verdict: Verdict,
	{ manifest, blobs, limits, digests }: GatherDeps,
): Promise<GatheredSession> {
	const { workspace } = facts.opened;
	const disputed = new Set<string>();
	for (const finding of verdict.findings)
		if (finding.path !== null && failsSession(finding.severity)) disputed.add(finding.path);
	const materials = createMaterialCollector({ workspace, manifest, disputed, filesMax: limits.collectedFilesMax });
	const opened = createOpenedFileCollector(workspace, limits.collectedFilesMax);
	const executions = createExecutions(limits.heldFactsMax);
	let fileCount = 0;
	let pathCount = 0;
	let lastPath: string | null = null;
	function* watched(): Generator<FileFact, void, void> {
		for (const fact of sorter.merged()) {
			fileCount++;
			if (fact.path !== lastPath) pathCount++;
			lastPath = fact.path;
			materials.add(fact);
			opened.add(fact);
			executions.add(fact);
			addFileDigest(digests, fact);
			yield fact;
		}
	}
	const { files, log } = await listOrLog(watched(), facts, blobs, limits);
	addProcessDigests(digests, facts.processes);
	return {
		facts,
		files,
		fileCount,
		pathCount,
		log,
		materials: materials.end(),
		openedFiles: opened.end(),
		executions,
	};
}

/** All file facts where the statement can hold them, else the log as a blob and a bounded choice. */
async function listOrLog(
	source: Generator<FileFact, void, void>,
	facts: OrderedFacts,
	blobs: Blobs,
	limits: SignLimits,
): Promise<{ files: FileFact[]; log: FactLog | null }> {
	const first: FileFact[] = [];
	for (let next = source.next(); !next.done; next = source.next()) {
		first.push(next.value);
		if (first.length > limits.listedFilesMax) break;
	}
	const lists = [facts.processes, facts.connections, facts.ptraces, facts.gaps, facts.notes, facts.products];
	const whole = first.length <= limits.listedFilesMax && lists.every((l) => l.length <= limits.listedFactsMax);
	if (whole) return { files: first, log: null };
	const chosen = createChosenFiles(facts.opened.workspace, limits.chosenFilesMax);
	const count = { lines: 0 };
	const stored = await blobs.putStream(chunks(logLines(facts, first, source, chosen), count));
	return { files: chosen.end(), log: { ...stored, lines: count.lines } };
}

function* logLines(
	facts: OrderedFacts,
	first: readonly FileFact[],
	rest: Generator<FileFact, void, void>,
	chosen: ChosenFiles,
): Generator<string, void, void> {
	for (const p of facts.processes) yield logLine('process', tracedProcess(p, facts.exits.get(p.execId)));
	for (const f of facts.connections) yield logLine('connection', f);
	for (const f of facts.ptraces) yield logLine('ptrace', f);
	for (const f of facts.gaps) yield logLine('gap', f);
	for (const f of facts.notes) yield logLine('note', f);
	for (const f of facts.products) yield logLine('product', f);
	for (const f of first) {
		chosen.add(f);
		yield fileLogLine(f);
	}
	for (const f of rest) {
		chosen.add(f);
		yield fileLogLine(f);
	}
}

const chunkChars = 64 * 1024;

function* chunks(lines: Iterable<string>, count: { lines: number }): Generator<Buffer, void, void> {
	let held: string[] = [];
	let chars = 0;
	for (const line of lines) {
		count.lines++;
		held.push(line);
		chars += line.length;
		if (chars < chunkChars) continue;
		yield Buffer.from(held.join(''), 'utf8');
		held = [];
		chars = 0;
	}
	if (held.length > 0) yield Buffer.from(held.join(''), 'utf8');
}
