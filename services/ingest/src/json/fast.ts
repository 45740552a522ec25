// The fast path: known shapes, known processes. Null means "not sure": the general decoder then decides.
import { compareEvents, emptyEvent, type ProcessInfo, type TraceEvent } from '@affidavit/model/trace-event.ts';
import type { DecodeResult } from '../decode-result.ts';
import { type Bytes, createInput, type Literal, sameBytes, setInput } from '../event/bytes.ts';
import { hookEvent } from '../event/hook-event.ts';
import type { CachedProcess } from '../event/process-cache.ts';
import { createStringCache } from '../event/string-cache.ts';
import { type Learned, learnShape } from './learn.ts';
import type { ProcessReader } from './process-reader.ts';
import { type Match, matchShape, type Shape } from './shape.ts';

type EventResult = Extract<DecodeResult, { kind: 'event' }>;

/** Shapes that begin alike: what they differ in comes after the processes. */
interface Group {
	readonly head: Literal;
	readonly middle: Literal | null;
	readonly shapes: Shape[];
}

export interface FastDecoder {
	decode(line: Bytes): EventResult | null;
	/** Takes a line that the general decoder has accepted, so that its like is decoded fast from now on. */
	learn(line: Bytes, result: EventResult): void;
}

const groupsMax = 16;
const shapesMax = 32;
/** Lines that are all different must not cost the learning of each. */
const learnCreditMax = 256;
const creditPerHit = 1 / 32;

export function createFastDecoder(processes: ProcessReader): FastDecoder {
	const groups: Group[] = [];
	const input = createInput();
	const match: Match = {
		strings: createStringCache(),
		digests: createStringCache(),
		processes,
		timeUs: -1,
		digest: '',
		status: 0,
		signal: '',
	};
	let lastProcess: CachedProcess | null = null;
	let lastParent: CachedProcess | null = null;
	let learnCredit = learnCreditMax;

	function decode(line: Bytes): EventResult | null {
		setInput(input, line);
		for (let i = 0; i < groups.length; i++) {
			const group = groups[i] as Group;
			const { head, middle } = group;
			if (!sameBytes(input, 0, head, 0, head.bytes.length)) continue;
			let pos = processes.read(input, head.bytes.length, lastProcess);
			if (pos < 0) return null;
			const process = processes.found as CachedProcess;
			let parent: CachedProcess | null = null;
			if (middle) {
				if (!sameBytes(input, pos, middle, 0, middle.bytes.length)) continue;
				pos = processes.read(input, pos + middle.bytes.length, lastParent);
				if (pos < 0) return null;
				parent = processes.found as CachedProcess;
				lastParent = parent;
			}
			lastProcess = process;
			const shape = findShape(group.shapes, pos);
			if (!shape) continue;
			forward(groups, i);
			return finish(shape, process.info, parent ? parent.info : null);
		}
		return null;
	}

	function findShape(shapes: Shape[], pos: number): Shape | null {
		for (let i = 0; i < shapes.length; i++) {
			const shape = shapes[i] as Shape;
			if (!matchShape(shape, match, input, pos)) continue;
			forward(shapes, i);
			return shape;
		}
		return null;
	}

	function finish(shape: Shape, process: ProcessInfo, parent: ProcessInfo | null): EventResult {
		if (learnCredit < learnCreditMax) learnCredit += creditPerHit;
		return { kind: 'event', host: shape.host, event: eventOf(shape, match, process.execId), process, parent };
	}

	function learn(line: Bytes, result: EventResult): void {
		if (learnCredit < 1) return;
		learnCredit--;
		const learned = learnShape(line, result);
		setInput(input, line);
		if (!learned || !matchShape(learned.shape, match, input, learned.start)) return;
		// Not learned unless it says of its own line what the general decoder says.
		const event = eventOf(learned.shape, match, result.event.execId);
		if (compareEvents(event, result.event) === 0) addShape(groups, learned);
	}

	return { decode, learn };
}

function eventOf(shape: Shape, match: Match, execId: string): TraceEvent {
	if (shape.kind === 'hook') return hookEvent(shape.hook, match.timeUs, execId, shape.args, match.digest);
	const event = emptyEvent(shape.kind, match.timeUs, execId, '');
	if (shape.kind === 'exit') {
		event.status = match.status;
		event.signal = match.signal;
	}
	return event;
}

/** What is used often moves to the front. */
function forward<T>(list: T[], index: number): void {
	if (index === 0) return;
	const used = list[index] as T;
	list[index] = list[index - 1] as T;
	list[index - 1] = used;
}

function addShape(groups: Group[], learned: Learned): void {
	const { head, middle, shape } = learned;
	let group = groups.find(
		(g) => g.head.bytes.equals(head.bytes) && (middle ? g.middle?.bytes.equals(middle.bytes) : g.middle === null),
	);
	if (!group) {
		group = { head, middle, shapes: [] };
		if (groups.length === groupsMax) groups.pop();
		groups.push(group);
	}
	if (group.shapes.length === shapesMax) group.shapes.pop();
	group.shapes.push(shape);
}
