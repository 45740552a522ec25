// Which products the content that a process read went into: best effort, from who wrote them and when. Over-wide rather
// than silent within one build tool's run, never across two.
import type { FileFact } from '@affidavit/model/facts.ts';
import type { ProductFact } from '@affidavit/model/generated/session.ts';
import { sameDevice } from './history.ts';
import { listedProductsMax } from './limits.ts';
import type { IndexedProcess, ProcessIndex } from './process-index.ts';
import type { Workspace } from './workspace.ts';

export interface ProductFlow {
	/** Workspace-relative paths, sorted, of products written after `timeUs` by what belongs to the reader's compilation; the first few. */
	from(execId: string, timeUs: number): string[];
	/** The product that a file fact is about, by path or inode; undefined when it is none. */
	product(f: FileFact, path: string): ProductFact | undefined;
}

/** The products of one writing process. */
interface Writer {
	process: IndexedProcess | undefined;
	/** exec_ids of the writer and its parents. */
	lineage: ReadonlySet<string>;
	/** In order of path. */
	products: { path: string; timeUs: number }[];
}

export const noFlow: ProductFlow = { from: () => [], product: () => undefined };

export function createProductFlow(
	products: readonly ProductFact[],
	processes: ProcessIndex,
	workspace: Workspace,
): ProductFlow {
	const writers = groupByWriter(products, processes, workspace);
	const byPath = new Map(products.map((p) => [p.path, p]));
	const byIno = new Map(products.map((p) => [p.ino, p]));
	const known = new Map<string, string[]>();
	return {
		from(execId, timeUs) {
			const key = `${execId} ${timeUs}`;
			let paths = known.get(key);
			if (!paths) {
				paths = flow(execId, timeUs, writers, processes);
				known.set(key, paths);
			}
			return paths;
		},
		product(f, path) {
			const same = f.ino === '' ? undefined : byIno.get(f.ino);
			return byPath.get(path) ?? (same && sameDevice(same.dev, f.dev) ? same : undefined);
		},
	};
}

function groupByWriter(products: readonly ProductFact[], processes: ProcessIndex, workspace: Workspace): Writer[] {
	const writers = new Map<string, Writer>();
	for (const p of products) {
		let writer = writers.get(p.writer);
		if (!writer) {
			const lineage = new Set(processes.lineage(p.writer).map((i) => i.fact.execId));
			writer = { process: processes.get(p.writer), lineage, products: [] };
			writers.set(p.writer, writer);
		}
		writer.products.push({ path: workspace.display(p.path), timeUs: p.timeUs });
	}
	for (const { products: own } of writers.values())
		own.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
	return [...writers.values()];
}

function flow(execId: string, timeUs: number, writers: readonly Writer[], processes: ProcessIndex): string[] {
	const lineage = processes.lineage(execId);
	const paths = new Set<string>();
	/** True when the writer has a product of that time or later. */
	const take = (w: Writer): boolean => {
		let taken = 0;
		for (const p of w.products) {
			if (p.timeUs < timeUs) continue;
			paths.add(p.path);
			if (++taken >= listedProductsMax) break;
		}
		return taken > 0;
	};
	for (const w of writers) if (w.process?.fact.execId === execId) take(w);
	// One compilation: gcc starts cc1, then as; what `as` writes is what cc1 read.
	const driver = lineage.find((p) => p.tool?.kind === 'driver');
	if (driver) for (const w of writers) if (w.lineage.has(driver.fact.execId)) take(w);
	// One build: linkers and archivers, and the build tool's own copying, under the nearest build tool that has products;
	// without a build tool, under the nearest script.
	const ofKind = (kind: string): IndexedProcess[] => lineage.filter((p) => p.tool?.kind === kind);
	for (const scope of [...ofKind('build-tool'), ...ofKind('interpreter')]) {
		let found = false;
		for (const w of writers)
			if (w.lineage.has(scope.fact.execId) && joins(w, scope, driver !== undefined)) found = take(w) || found;
		if (found) break;
	}
	return [...paths].sort().slice(0, listedProductsMax);
}

function joins(w: Writer, scope: IndexedProcess, hasDriver: boolean): boolean {
	const kind = w.process?.tool?.kind;
	if (w.process?.fact.execId === scope.fact.execId) return true;
	if (kind === 'linker' || kind === 'archiver' || kind === 'build-tool') return true;
	// Without a driver (go, cargo) the compiler's own outputs belong to the build tool's run.
	return !hasDriver && (kind === 'compiler' || kind === 'assembler');
}
