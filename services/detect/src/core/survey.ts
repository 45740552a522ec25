// First pass over a session's facts: counts, and what is suspicious. Memory does not grow with the number of reads.
import type { Facts, FileFact } from '@affidavit/model/facts.ts';
import type { ClosedFact, GapFact, ProductFact } from '@affidavit/model/generated/session.ts';
import { type CelHits, createCelHits } from './cel-findings.ts';
import { type CelMatcher, createCelMatcher, type MatcherInput } from './cel-matcher.ts';
import { isForeignChange } from './foreign-writes.ts';
import { createDistinctCounter } from './hash-set.ts';
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

export function createSurveyor(input: SurveyInput): Surveyor {
	const { rules, repository, workspace, limits, opened } = input;
	const processes = createProcessIndex(rules.catalogue, limits.processes);
	const matcher = createCelMatcher({ ...input, processes });
	const suspects = createSuspects(limits.suspects);
	const paths = createDistinctCounter();
	const destinations = createDistinctCounter();
	const survey = {
		closed: null as ClosedFact | null,
		gaps: [] as GapFact[],
		products: [] as ProductFact[],
		sensorMixUps: 0,
		hits: createCelHits(input.session, limits.findings),
		generated: emptySummary(),
		unknownOrigin: emptySummary(),
		overflow: 0,
	};
	const startUs = opened?.timeUs ?? 0;

	const addFile = (f: FileFact): void => {
		if (f.foreign) {
			if (isForeignChange(f, startUs, Number.MAX_SAFE_INTEGER)) suspects.add(f);
		} else {
			paths.add(f.path);
			if (f.otherSize >= 0) survey.sensorMixUps += f.count;
			if (f.op === 'read') addRead(f);
		}
		for (const rule of matcher.file(f)) {
			survey.hits.add(rule, { family: 'file', fact: f });
			suspects.add(f);
		}
	};
	const addRead = (f: FileFact): void => {
		const tool = processes.get(f.execId)?.tool ?? null;
		const read = classifyInput(f, tool, workspace, repository);
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
						addToSummary(survey.generated, read.path, f);
						return;
					case 'unknown':
						addToSummary(survey.unknownOrigin, read.path, f);
						return;
					case 'foreign':
						suspects.add(f);
				}
		}
	};
	return {
		add(facts) {
			for (const fact of facts.processes) {
				// A foreign process is told once per batch: only the first telling is a hit.
				if (!processes.add(fact)) continue;
				for (const rule of matcher.process(fact)) survey.hits.add(rule, { family: 'process', fact });
			}
			for (const file of facts.files) addFile(file);
			addOthers(facts, matcher, survey.hits);
			for (const c of facts.connections)
				if (c.op === 'connect') destinations.add(`${c.family}\0${c.address}\0${c.port}`);
			for (const gap of facts.gaps) survey.gaps.length < gapsMax ? survey.gaps.push(gap) : survey.overflow++;
			for (const p of facts.products)
				survey.products.length < productsMax ? survey.products.push(p) : survey.overflow++;
			survey.closed = facts.closed ?? survey.closed;
		},
		finish: () => ({
			processes,
			closed: survey.closed,
			gaps: survey.gaps,
			products: survey.products,
			files: paths.size,
			connections: destinations.size,
			sensorMixUps: survey.sensorMixUps,
			suspects,
			hits: survey.hits,
			generated: survey.generated,
			unknownOrigin: survey.unknownOrigin,
			refused: survey.overflow + suspects.refused + processes.refused + survey.hits.refused,
		}),
	};
}

/** CEL rules on what is neither file nor process. */
function addOthers(facts: Facts, matcher: CelMatcher, hits: CelHits): void {
	for (const fact of facts.ptraces) for (const rule of matcher.ptrace(fact)) hits.add(rule, { family: 'trace', fact });
	for (const fact of facts.connections)
		for (const rule of matcher.connect(fact)) hits.add(rule, { family: 'network', fact });
	for (const fact of facts.gaps) for (const rule of matcher.gap(fact)) hits.add(rule, { family: 'gap', fact });
}

function createSuspects(max: number): Suspects & { readonly refused: number; add(f: FileFact): void } {
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
