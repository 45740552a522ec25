// The process tree of an imported trace: which record is whose child, what each image is called, and when it began. Records
// come in any order, without times (v0.1), with a pid used twice, with parents that are missing or their own descendants.
import type { Tally } from './tally.ts';
import type { OpenRecord, ProcessRecord, Recorded } from './trace-record.ts';

export interface Image {
	/** Sorts like `order`. */
	execId: string;
	/** null for the command that started the trace; the command for what has no parent in the trace. */
	parent: Image | null;
	/** Its parent is not in the trace. */
	orphan: boolean;
	record: ProcessRecord;
	/** Position in an order in which every parent comes before its children. */
	order: number;
	startUs: number;
	/** -1 not told. */
	stopUs: number;
	/** Another image of the same process follows. */
	replaced: boolean;
}

export interface ProcessImages {
	/** By order: the first is the root. */
	images: Image[];
	/** By index of the record. */
	ofRecord: Image[];
	/** By pid, in order of start. */
	ofPid: Map<number, Image[]>;
	/** Pids that opened files and have no record. */
	unknownPids: number;
	/** Starts that lay before the parent's: moved to it. */
	movedStarts: number;
}

/** Links of records, before they have names. */
interface Link {
	record: ProcessRecord;
	/** Index of the parent; -1 none. */
	parent: number;
	replaced: boolean;
}

/** `startUs`: of the command; taken where the trace tells no times. */
export function buildImages(recorded: Recorded, startUs: number, tally: Tally): ProcessImages {
	const records = recorded.processes.length > 0 ? [...recorded.processes] : [commandRecord(recorded)];
	const unknownPids = addUnknown(records, recorded.opens);
	tally.add('unknown_processes', unknownPids);
	const byPid = recordsByPid(records);
	const links = linkRecords(records, byPid);
	const known = records.length - unknownPids;
	const root = rootOf(records, links, recorded, known);
	(links[root] as Link).parent = -1;
	const { order, orphans } = inOrder(links, root, tally);
	const ofRecord: Image[] = new Array(records.length);
	const images: Image[] = [];
	let movedStarts = 0;
	for (const index of order) {
		const { record, parent, replaced } = links[index] as Link;
		const above = parent < 0 || orphans.has(index) ? null : (ofRecord[parent] as Image);
		const floorUs = (above ?? images[0])?.startUs ?? -1;
		const toldUs = record.startUs >= 0 ? record.startUs : floorUs >= 0 ? floorUs : startUs;
		if (toldUs < floorUs) movedStarts++;
		const image: Image = {
			execId: `imported:${String(images.length).padStart(7, '0')}:${record.pid}`,
			// What has no parent in the trace was still started by the command, by whom is not told.
			parent: above ?? images[0] ?? null,
			// v0.1 lists threads, and forks without a program, without their parent.
			orphan: above === null && images.length > 0 && !(record.program === '' && recorded.version === 'v0.1'),
			record,
			order: images.length,
			startUs: Math.max(toldUs, floorUs),
			stopUs: record.stopUs,
			replaced,
		};
		images.push(image);
		ofRecord[index] = image;
	}
	const ofPid = new Map<number, Image[]>();
	for (const [pid, indices] of byPid)
		ofPid.set(
			pid,
			indices.map((index) => ofRecord[index] as Image),
		);
	return { images, ofRecord, ofPid, unknownPids, movedStarts };
}

/** A pid that only opens name gets a record that says nothing else. */
function addUnknown(records: ProcessRecord[], opens: readonly OpenRecord[]): number {
	const known = new Set(records.map(({ pid }) => pid));
	const first = new Map<number, number>();
	for (const { process, pid, timeUs } of opens) {
		if (process >= 0 || known.has(pid)) continue;
		const earliest = first.get(pid);
		if (earliest === undefined || (timeUs >= 0 && (earliest < 0 || timeUs < earliest))) first.set(pid, timeUs);
	}
	for (const [pid, startUs] of first) records.push({ ...unknownRecord, pid, startUs });
	return first.size;
}

const unknownRecord: Omit<ProcessRecord, 'pid' | 'startUs'> = {
	parentPid: 0,
	program: '',
	arguments: '',
	programDigest: '',
	exeDigest: '',
	stopUs: -1,
	uid: -1,
	flags: '',
};

/** Stands for the traced command where no record could be used: its pid is not told. */
const commandRecord = ({ cmd }: Recorded): ProcessRecord => ({
	...unknownRecord,
	pid: 0,
	program: cmd[0] ?? '',
	startUs: -1,
});

/** Indices by pid, in order of start; where no start is told, as listed. */
function recordsByPid(records: readonly ProcessRecord[]): Map<number, number[]> {
	const byPid = new Map<number, number[]>();
	for (const [index, { pid }] of records.entries()) {
		const list = byPid.get(pid);
		if (list === undefined) byPid.set(pid, [index]);
		else list.push(index);
	}
	for (const list of byPid.values())
		list.sort((a, b) => (records[a] as ProcessRecord).startUs - (records[b] as ProcessRecord).startUs || a - b);
	return byPid;
}

function linkRecords(records: readonly ProcessRecord[], byPid: ReadonlyMap<number, readonly number[]>): Link[] {
	const links = records.map((record): Link => ({ record, parent: -1, replaced: false }));
	for (const indices of byPid.values())
		for (const [at, index] of indices.entries()) {
			const link = links[index] as Link;
			const before = at === 0 ? -1 : (indices[at - 1] as number);
			const replaced = before < 0 ? null : (links[before] as Link);
			if (replaced !== null && isNextImage(replaced.record, link.record)) {
				link.parent = before;
				replaced.replaced = true;
			} else link.parent = parentOf(link.record, index, records, byPid);
		}
	return links;
}

/** One process that executed another program; else the pid was used again by another process. */
const isNextImage = (before: ProcessRecord, after: ProcessRecord): boolean =>
	before.parentPid === after.parentPid && (before.stopUs < 0 || after.startUs < 0 || after.startUs <= before.stopUs);

function parentOf(
	record: ProcessRecord,
	index: number,
	records: readonly ProcessRecord[],
	byPid: ReadonlyMap<number, readonly number[]>,
): number {
	if (record.parentPid === 0) return -1;
	const candidates = byPid.get(record.parentPid);
	if (candidates === undefined) return -1;
	const startOf = (at: number): number => (records[candidates[at] as number] as ProcessRecord).startUs;
	const at = record.startUs < 0 ? candidates.length - 1 : lastAtOrBefore(candidates.length, startOf, record.startUs);
	const found = candidates[at] as number;
	return found === index ? (candidates[at - 1] ?? -1) : found;
}

/** Position of the last of `length` ascending starts that is not after `timeUs`; 0 when all are. */
export function lastAtOrBefore(length: number, startOf: (at: number) => number, timeUs: number): number {
	let low = 0;
	let high = length - 1;
	while (low < high) {
		const middle = (low + high + 1) >>> 1;
		if (startOf(middle) <= timeUs) low = middle;
		else high = middle - 1;
	}
	return low;
}

/** The traced command: child of the tracer, else what has no recorded parent and runs the command's program. */
function rootOf(records: readonly ProcessRecord[], links: readonly Link[], recorded: Recorded, known: number): number {
	const command = baseOf(recorded.cmd[0] ?? '');
	let best = 0;
	let bestRank = -1;
	for (let index = 0; index < records.length; index++) {
		const record = records[index] as ProcessRecord;
		const rank =
			(recorded.witnessPid !== 0 && record.parentPid === recorded.witnessPid ? 8 : 0) +
			((links[index] as Link).parent < 0 && index < known ? 4 : 0) +
			(command !== '' && baseOf(record.program) === command ? 2 : 0) +
			(record.program !== '' ? 1 : 0);
		const older = rank === bestRank && comesBefore(record, records[best] as ProcessRecord);
		if (rank <= bestRank && !older) continue;
		best = index;
		bestRank = rank;
	}
	return best;
}

const comesBefore = (a: ProcessRecord, b: ProcessRecord): boolean =>
	a.startUs !== b.startUs ? a.startUs < b.startUs : a.pid < b.pid;

const baseOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Every record once, parents first; `orphans`: those whose parent is missing, or in a circle with them. */
function inOrder(links: readonly Link[], root: number, tally: Tally): { order: number[]; orphans: Set<number> } {
	const children: number[][] = links.map(() => []);
	for (const [index, { parent }] of links.entries()) if (parent >= 0) (children[parent] as number[]).push(index);
	const order: number[] = [];
	const orphans = new Set<number>();
	const placed = new Set<number>();
	const place = (from: number): void => {
		const begin = order.length;
		order.push(from);
		placed.add(from);
		for (let at = begin; at < order.length; at++)
			for (const child of children[order[at] as number] as number[]) {
				if (placed.has(child)) continue;
				placed.add(child);
				order.push(child);
			}
	};
	place(root);
	for (const [index, { parent }] of links.entries()) {
		if (placed.has(index) || parent >= 0) continue;
		orphans.add(index);
		place(index);
	}
	for (const index of links.keys()) {
		if (placed.has(index)) continue;
		// What is left has a parent and yet no way to one without: a circle.
		tally.add('cyclic_parents');
		orphans.add(index);
		place(index);
	}
	return { order, orphans };
}
