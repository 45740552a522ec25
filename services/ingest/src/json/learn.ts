// Makes a shape of a line that the general decoder has accepted. Refuses (null) whatever it is not sure about:
// the line is then decoded the general way, each time.

import type { DecodeResult } from '../decode-result.ts';
import { type Bytes, type Literal, literalOf } from '../event/bytes.ts';
import { functionHook, type Hook } from '../event/hook.ts';
import { maxInt32 } from '../event/range.ts';
import { addNumber, addSlot, addString, type Draft, noArgument } from './draft.ts';
import { learnArguments } from './learn-arguments.ts';
import { type Shape, SlotKind } from './shape.ts';
import { members, spanOf, type Walk } from './walk.ts';

/** What stands before a line's processes, between them, and after them. */
export interface Learned {
	/** Up to the process object. */
	readonly head: Literal;
	/** Between process and parent; null when the line has no parent. */
	readonly middle: Literal | null;
	readonly shape: Shape;
	/** Where the shape's first literal stands in the line that it was learned from. */
	readonly start: number;
}

export function learnShape(line: Bytes, result: Extract<DecodeResult, { kind: 'event' }>): Learned | null {
	const walk: Walk = { bytes: line, pos: 0, end: line.length };
	const draft: Draft = { walk, slots: [], spans: [], args: [], process: null, parent: null };
	let body = '';
	const understood = members(walk, (name) => {
		if (name === 'time') return addString(draft, SlotKind.time);
		if (body !== '' || !name.startsWith('process_')) return spanOf(walk) !== null && name !== 'rate_limit_info';
		body = name;
		return members(walk, (field) => learnField(draft, body, field));
	});
	const kind = kindOfBody(body);
	if (!understood || kind === null || !draft.process || walk.pos !== line.length) return null;
	const hook: Hook =
		body === 'process_kprobe' || body === 'process_lsm'
			? functionHook(result.event.hook)
			: { name: result.event.hook, kind: 'other', digestIsCurrent: false };
	const last = draft.parent ?? draft.process;
	const first = draft.spans[0];
	// The processes come first in protojson's order; a slot before them would be read twice.
	if (first && first.start < last.end) return null;
	if (draft.parent && draft.parent.start < draft.process.end) return null;
	const literals: Uint8Array[] = [];
	const literalEnds: number[] = [];
	let from = last.end;
	let total = 0;
	for (const to of [...draft.spans, { start: line.length, end: line.length }]) {
		literals.push(line.subarray(from, to.start));
		total += to.start - from;
		literalEnds.push(total);
		from = to.end;
	}
	return {
		head: literalOf(line, 0, draft.process.start),
		middle: draft.parent ? literalOf(line, draft.process.end, draft.parent.start) : null,
		shape: {
			kind,
			hook,
			host: result.host,
			literals: literalOf(Buffer.concat(literals), 0, total),
			length: total,
			literalEnds,
			slots: draft.slots,
			args: draft.args,
		},
		start: last.end,
	};
}

function kindOfBody(body: string): Shape['kind'] | null {
	switch (body) {
		case 'process_exec':
			return 'exec';
		case 'process_exit':
			return 'exit';
		case 'process_kprobe':
		case 'process_lsm':
		case 'process_tracepoint':
		case 'process_uprobe':
			return 'hook';
		default:
			return null;
	}
}

/** False when the shape cannot be learned. Leaves the walk after the field's value. */
function learnField(draft: Draft, body: string, field: string): boolean {
	const { walk } = draft;
	switch (field) {
		case 'process':
			draft.process = spanOf(walk);
			return draft.process !== null;
		case 'parent':
			draft.parent = spanOf(walk);
			return draft.parent !== null;
		case 'args':
			return learnArguments(draft);
		case 'ancestors':
			return learnAncestors(draft);
		case 'ima_hash':
			return body === 'process_lsm' ? addString(draft, SlotKind.digest) : spanOf(walk) !== null;
		case 'time':
			return addString(draft, SlotKind.ignoredString);
		case 'status':
			return body === 'process_exit'
				? addNumber(draft, SlotKind.status, noArgument, 0, maxInt32)
				: spanOf(walk) !== null;
		case 'signal':
			return body === 'process_exit' ? addString(draft, SlotKind.signal) : spanOf(walk) !== null;
		default:
			return spanOf(walk) !== null;
	}
}

function learnAncestors(draft: Draft): boolean {
	const span = spanOf(draft.walk);
	if (!span || draft.walk.bytes[span.start] !== 0x5b) return false;
	// The slot begins after the bracket, and ends before the closing one.
	addSlot(draft, { kind: SlotKind.ancestors, argument: noArgument, min: 0, max: 0 }, span.start + 1, span.end - 1);
	return true;
}
