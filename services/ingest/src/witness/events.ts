// From an imported trace to the events that every other source gives: one session, rooted at the traced command.
import { aboutHook, type ImportedAssurance, importedHook, orphanHook } from '@affidavit/model/imported.ts';
import { compareEvents, emptyEvent, type ProcessInfo, type TraceEvent } from '@affidavit/model/trace-event.ts';
import type { DecodedEvent } from '../batch/batcher.ts';
import { openAssurance } from './assurance.ts';
import { type Image, lastAtOrBefore, type ProcessImages } from './images.ts';
import type { About, ImportReport } from './report.ts';
import type { OpenRecord, Recorded } from './trace-record.ts';
import { programPath, resolvedPath } from './workspace.ts';

export interface EventInput {
	host: string;
	recorded: Recorded;
	images: ProcessImages;
	infos: readonly ProcessInfo[];
	/** Absolute. */
	workspace: string;
	/** From the workspace; null: nothing tells what was there before. */
	materials: ReadonlyMap<string, string> | null;
	products: ReadonlyMap<string, string>;
	assurance: ImportedAssurance;
	endUs: number;
	/** Filled in while the events are made. */
	report: ImportReport;
	/** Microseconds from open to hash are added to it. */
	lateUs: number[];
}

/** In the order in which the correlator will apply them. */
export function importedEvents(input: EventInput): DecodedEvent[] {
	const events: TraceEvent[] = [];
	const owner = new Map<string, Image>();
	for (const image of input.images.images) {
		owner.set(image.execId, image);
		addProcessEvents(events, image, input);
	}
	addProducts(events, input);
	for (const open of input.recorded.opens) events.push(openEvent(open, input));
	events.sort(compareEvents);
	return events.map((event) => decoded(event, owner.get(event.execId) as Image, input));
}

/** What is said of the import itself: at the root, once the report is complete. */
export function aboutEvents(lines: readonly About[], input: EventInput): DecodedEvent[] {
	const [root] = input.images.images;
	if (root === undefined) return [];
	return lines.map(({ text, count }) => {
		const event = emptyEvent('other', root.startUs, root.execId, aboutHook);
		event.path = text;
		event.count = count;
		return decoded(event, root, input);
	});
}

function decoded(event: TraceEvent, image: Image, { host, infos }: EventInput): DecodedEvent {
	return {
		kind: 'event',
		host,
		event,
		process: infos[image.order] as ProcessInfo,
		parent: image.parent === null ? null : (infos[image.parent.order] as ProcessInfo),
	};
}

function addProcessEvents(events: TraceEvent[], image: Image, input: EventInput): void {
	const { record, execId, startUs } = image;
	const { report } = input;
	report.processes++;
	if (record.program === '') {
		if (input.recorded.version === 'v0.1') report.tasksWithoutProgram++;
		// It says nothing, but the correlator learns of the task before its children.
		events.push(emptyEvent('other', startUs, execId, ''));
	} else {
		events.push(emptyEvent('exec', startUs, execId, ''));
		addExecutions(events, image, input);
	}
	if (image.orphan) events.push(emptyEvent('other', startUs, execId, orphanHook));
	const isRoot = image.order === 0;
	if (image.replaced || (record.stopUs < 0 && !isRoot)) return;
	const recordedUs = record.stopUs >= 0 ? record.stopUs : input.endUs;
	const exit = emptyEvent('exit', Math.max(recordedUs, startUs), execId, '');
	if (isRoot) exit.status = input.recorded.exitCode;
	events.push(exit);
}

function addExecutions(events: TraceEvent[], image: Image, { workspace, assurance, report }: EventInput): void {
	const { execId, startUs } = image;
	const { program, programDigest, exeDigest, pid } = image.record;
	// The eBPF tracer hashes what /proc/PID/exe leads to after the exec: the program itself. The ptrace tracer hashes it
	// when the exec is asked for: that is the image before.
	const ofProgram = programDigest !== '' || assurance === 'ptrace' ? programDigest : exeDigest;
	if (ofProgram === '') report.programsWithoutDigest++;
	const how = openAssurance(assurance, !program.startsWith('/'), null);
	events.push(fileEvent('check', startUs, execId, programPath(program, workspace), ofProgram, how));
	if (exeDigest !== '' && exeDigest !== ofProgram)
		events.push(fileEvent('check', startUs, execId, `/proc/${pid}/exe`, exeDigest, assurance));
}

function fileEvent(
	kind: 'open' | 'check' | 'write',
	timeUs: number,
	execId: string,
	path: string,
	digest: string,
	assurance: ImportedAssurance,
): TraceEvent {
	const act = kind === 'check' ? 'exec' : kind;
	const event = emptyEvent(kind, timeUs, execId, importedHook(assurance, act));
	event.path = path;
	event.digest = digest;
	event.fileType = fileTypeOf(path);
	return event;
}

/** What lies there is made by the kernel: it has no content that a digest could be of. */
const fileTypeOf = (path: string): string =>
	path.startsWith('/dev/') || path.startsWith('/proc/') || path.startsWith('/sys/') ? '' : '-';

/**
 * A product that was no material is new: the command made it, by which process and when the attestation does not say. One
 * that was a material was changed by someone: that would excuse a tampered source, so it is no write of the session.
 */
function addProducts(events: TraceEvent[], input: EventInput): void {
	const { products, materials, workspace, recorded, endUs } = input;
	const [root] = input.images.images;
	if (root === undefined || workspace === '' || materials === null) return;
	const timeUs = recorded.version === 'v0.2' ? endUs : root.startUs;
	for (const [path, digest] of products)
		if (!materials.has(path))
			events.push(fileEvent('write', timeUs, root.execId, resolvedPath(path, workspace), digest, 'declared'));
}

function openEvent(open: OpenRecord, input: EventInput): TraceEvent {
	const { report, workspace, materials, products } = input;
	const image = imageOf(open, input);
	const timeUs = Math.max(open.timeUs, image.startUs);
	if (open.timeUs >= 0 && open.timeUs < image.startUs) report.movedTimes++;
	const path = resolvedPath(open.path, workspace);
	report.accesses++;
	if (open.write) return fileEvent('write', timeUs, image.execId, path, '', input.assurance);
	const relative = !open.path.startsWith('/');
	if (relative) report.relativePaths++;
	const inside = workspace !== '' && path.startsWith(`${workspace}/`) ? path.slice(workspace.length + 1) : '';
	const existed = inside === '' || materials === null ? null : materials.has(inside) && !products.has(inside);
	const assurance = openAssurance(input.assurance, relative, existed);
	report.digests[open.digest === '' ? 'none' : assurance]++;
	if (open.timeUs >= 0 && open.hashUs >= 0) input.lateUs.push(Math.max(0, open.hashUs - open.timeUs));
	return fileEvent('open', timeUs, image.execId, path, open.digest, assurance);
}

/** The image that the pid was then. */
function imageOf(open: OpenRecord, { images }: EventInput): Image {
	if (open.process >= 0) return images.ofRecord[open.process] as Image;
	const list = images.ofPid.get(open.pid) as Image[];
	const startOf = (at: number): number => (list[at] as Image).record.startUs;
	return list[open.timeUs < 0 ? 0 : lastAtOrBefore(list.length, startOf, open.timeUs)] as Image;
}
