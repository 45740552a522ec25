// Which products the content that a process read went into: best effort, from who wrote them and when. Over-wide rather
// than silent within one build tool's run, never across two.
import type { ProductFact } from '@affidavit/model/generated/session.ts';
import { listedProductsMax } from './limits.ts';
import type { IndexedProcess, ProcessIndex } from './process-index.ts';
import type { Workspace } from './workspace.ts';

export interface ProductFlow {
	/** Workspace-relative paths, sorted, of products written after `timeUs` by what belongs to the reader's compilation. */
	from(execId: string, timeUs: number): string[];
}

interface Written {
	path: string;
	timeUs: number;
	writer: IndexedProcess | undefined;
	/** exec_ids of the writer and its parents. */
	lineage: ReadonlySet<string>;
}

export function createProductFlow(
	products: readonly ProductFact[],
	processes: ProcessIndex,
	workspace: Workspace,
): ProductFlow {
	const written: Written[] = products.map((p) => ({
		path: workspace.display(p.path),
		timeUs: p.timeUs,
		writer: processes.get(p.writer),
		lineage: new Set(processes.lineage(p.writer).map((i) => i.fact.execId)),
	}));
	const known = new Map<string, string[]>();
	return {
		from(execId, timeUs) {
			const key = `${execId} ${timeUs}`;
			const found = known.get(key);
			if (found) return found;
			const paths = flow(execId, timeUs, written, processes);
			known.set(key, paths);
			return paths;
		},
	};
}

function flow(execId: string, timeUs: number, written: readonly Written[], processes: ProcessIndex): string[] {
	const lineage = processes.lineage(execId);
	const later = written.filter((w) => w.timeUs >= timeUs);
	const paths = new Set<string>();
	for (const w of later) if (w.writer?.fact.execId === execId) paths.add(w.path);
	// One compilation: gcc starts cc1, then as; what `as` writes is what cc1 read.
	const driver = lineage.find((p) => p.tool?.kind === 'driver');
	if (driver) for (const w of later) if (w.lineage.has(driver.fact.execId)) paths.add(w.path);
	// One build: linkers and archivers, and the build tool's own copying, under the nearest build tool that has products;
	// without a build tool, under the nearest script.
	const scopes = [
		...lineage.filter((p) => p.tool?.kind === 'build-tool'),
		...lineage.filter((p) => p.tool?.kind === 'interpreter'),
	];
	for (const scope of scopes) {
		const under = later.filter((w) => w.lineage.has(scope.fact.execId) && joins(w, scope, driver !== undefined));
		for (const w of under) paths.add(w.path);
		if (under.length > 0) break;
	}
	return [...paths].sort().slice(0, listedProductsMax);
}

function joins(w: Written, scope: IndexedProcess, hasDriver: boolean): boolean {
	const kind = w.writer?.tool?.kind;
	if (w.writer?.fact.execId === scope.fact.execId) return true;
	if (kind === 'linker' || kind === 'archiver' || kind === 'build-tool') return true;
	// Without a driver (go, cargo) the compiler's own outputs belong to the build tool's run.
	return !hasDriver && (kind === 'compiler' || kind === 'assembler');
}
