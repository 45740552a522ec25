// First pass over a session's facts: counts, and what is suspicious. Memory does not grow with the number of reads.
import type { Facts, FileFact } from '@affidavit/model/facts.ts';
import type { ClosedFact, GapFact, ProductFact } from '@affidavit/model/generated/session.ts';
import { importedMatcher } from '@affidavit/model/imported.ts';
import { type CelHits, createCelHits } from './cel-findings.ts';
import { type CelMatcher, createCelMatcher, type MatcherInput } from './cel-matcher.ts';
import { isForeignChange } from './foreign-writes.ts';
import { createDistinctCounter, type DistinctCounter } from './hash-set.ts';
import type { Suspects } from './history.ts';
import { classifyInput } from './inputs.ts';
import type { DetectLimits } from './limits.ts';
import { createProcessIndex, type ProcessIndex } from './process-index.ts';
import { addToSummary, emptySummary, originOf, type PathSummary } from './uncommitted.ts';

export interface SurveyInput extends Omit<MatcherInput, 'processes'> {
	session: string;
	limits: DetectLimits;
}

export interface Survey {
	processes: ProcessIndex;
	closed: ClosedFact | null;
	gaps: GapFact[];
	products: ProductFact[];
	/** Distinct paths of the session's own file facts. */
	files: number;
	/** Distinct destinations that the session connected to. */
	connections: number;
	/** Events whose digest the host saw to be another file's. */
	sensorMixUps: number;
	suspects: Suspects;
	hits: CelHits;
	generated: PathSummary;
	unknownOrigin: PathSummary;
	/** A compiler of the catalogue ran in the session. */
	compiled: boolean;
	/** A process of the session opened a file that the commit holds. */
	committedSeen: boolean;
	/** Suspicious files, processes and facts that the bounds refused. */
	refused: number;
}

export interface Surveyor {
	add(facts: Facts): void;
	finish(): Survey;
}

/** Distinct gaps and products kept; beyond, they are counted as refused. */
const gapsMax = 10_000;
const productsMax = 1_000_000;

/** The survey under way. */
interface Draft {
	input: SurveyInput;
	processes: ProcessIndex;
	matcher: CelMatcher;
	suspects: MutableSuspects;
	paths: DistinctCounter;
	destinations: DistinctCounter;
	hits: CelHits;
	closed: ClosedFact | null;
	gaps: GapFact[];
	products: ProductFact[];
	sensorMixUps: number;
	generated: PathSummary;
	unknownOrigin: PathSummary;
	compiled: boolean;
	committedSeen: boolean;
	/** Gaps and products over their bounds. */
	overflow: number;
}

export function createSurveyor(input: SurveyInput): Surveyor {
	const { rules, limits } = input;
	const processes = createProcessIndex(rules.catalogue, limits.processes, input.opened?.matcher === importedMatcher);
	const draft: Draft = {
		input,
		processes,
		matcher: createCelMatcher({ ...input, processes }),
		suspects: createSuspects(limits.suspects),
		paths: createDistinctCounter(),
		destinations: createDistinctCounter(),
		hits: createCelHits(input.session, limits.findings),
		closed: null,
		gaps: [],
		products: [],
		sensorMixUps: 0,
		generated: emptySummary(),
		unknownOrigin: emptySummary(),
		compiled: false,
		committedSeen: false,
		overflow: 0,
	};
	return {
		add: (facts) => addFacts(draft, facts),
		finish: () => ({
			...draft,
			files: draft.paths.size,
			connections: draft.destinations.size,
			refused: draft.overflow + draft.suspects.refused + processes.refused + draft.hits.refused,
		}),
	};
}

function addFacts(draft: Draft, facts: Facts): void {
	const { processes, matcher, hits, destinations, gaps, products } = draft;
	for (const fact of facts.processes) {
		// A foreign process is told once per batch: only what is new is a hit.
		if (!processes.add(fact)) continue;
		draft.compiled ||= !fact.foreign && processes.get(fact.execId)?.tool?.kind === 'compiler';
		for (const rule of matcher.process(fact)) hits.add(rule, { family: 'process', fact });
	}
	for (const file of facts.files) addFile(draft, file);
	addOthers(facts, matcher, hits);
	for (const c of facts.connections) if (c.op === 'connect') destinations.add(`${c.family}\0${c.address}\0${c.port}`);
	for (const gap of facts.gaps)
		if (gaps.length < gapsMax) gaps.push(gap);
		else draft.overflow++;
	for (const product of facts.products)
		if (products.length < productsMax) products.push(product);
		else draft.overflow++;
	draft.closed = facts.closed ?? draft.closed;
}

function addFile(draft: Draft, f: FileFact): void {
	const { suspects, input } = draft;
	if (f.foreign) {
		if (isForeignChange(f, input.opened?.timeUs ?? 0, Number.MAX_SAFE_INTEGER)) suspects.add(f);
	} else {
		draft.paths.add(f.path);
		if (f.otherSize >= 0) draft.sensorMixUps += f.count;
		if (f.op === 'read') addRead(draft, f);
	}
	for (const rule of draft.matcher.file(f)) {
		draft.hits.add(rule, { family: 'file', fact: f });
		suspects.add(f);
	}
}

function addRead(draft: Draft, f: FileFact): void {
	const { processes, input, suspects } = draft;
	if (!draft.committedSeen && input.workspace.contains(f.path))
		draft.committedSeen = input.repository.file(input.workspace.display(f.path)) !== undefined;
	const read = classifyInput(f, processes.get(f.execId)?.tool ?? null, input.workspace, input.repository);
	switch (read.kind) {
		case 'none':
			return;
		case 'committed':
			if (f.digest !== read.expected.sha256 || f.size !== read.expected.size) suspects.add(f);
			return;
		case 'unresolved':
			suspects.add(f);
			return;
		case 'uncommitted':
			switch (originOf(f)) {
				case 'generated':
					addToSummary(draft.generated, read.path, f);
					return;
				case 'unknown':
					addToSummary(draft.unknownOrigin, read.path, f);
					return;
				case 'foreign':
					suspects.add(f);
			}
	}
}

/** CEL rules on what is neither file nor process. */
function addOthers(facts: Facts, matcher: CelMatcher, hits: CelHits): void {
	for (const fact of facts.ptraces) for (const rule of matcher.ptrace(fact)) hits.add(rule, { family: 'trace', fact });
	for (const fact of facts.connections)
		for (const rule of matcher.connect(fact)) hits.add(rule, { family: 'network', fact });
	for (const fact of facts.gaps) for (const rule of matcher.gap(fact)) hits.add(rule, { family: 'gap', fact });
}

interface MutableSuspects extends Suspects {
	readonly refused: number;
	add(f: FileFact): void;
}

function createSuspects(max: number): MutableSuspects {
	const inos = new Set<string>();
	const paths = new Set<string>();
	const digests = new Set<string>();
	let refused = 0;
	const put = (set: Set<string>, value: string): void => {
		if (value === '' || set.has(value)) return;
		if (set.size >= max) refused++;
		else set.add(value);
	};
	return {
		inos,
		paths,
		digests,
		get refused() {
			return refused;
		},
		add(f) {
			put(inos, f.ino);
			put(paths, f.path);
			if (f.foreign) put(paths, f.path2);
			else put(digests, f.digest);
		},
	};
}
