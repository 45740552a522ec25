// A shape while it is being learned: its slots in order, and the bytes that each takes in the line.
import { type Argument, ArgumentType, emptyArgument, Label } from '../event/argument.ts';
import type { Slot, SlotKind } from './shape.ts';
import { type Span, spanOf, stringSpan, type Walk } from './walk.ts';

export interface Draft {
	readonly walk: Walk;
	readonly slots: Slot[];
	readonly spans: Span[];
	readonly args: Argument[];
	process: Span | null;
	parent: Span | null;
}

/** Of slots that fill no argument. */
export const noArgument = emptyArgument(ArgumentType.other, Label.none);

export function addSlot(draft: Draft, slot: Slot, start: number, end: number): void {
	draft.slots.push(slot);
	draft.spans.push({ start, end });
}

/** A slot of the string at hand, without its quotes. */
export function addString(draft: Draft, kind: SlotKind, argument: Argument = noArgument): boolean {
	const span = stringSpan(draft.walk);
	if (!span) return false;
	addSlot(draft, { kind, argument, min: 0, max: 0 }, span.start, span.end);
	return true;
}

export function addNumber(draft: Draft, kind: SlotKind, argument: Argument, min: number, max: number): boolean {
	const span = spanOf(draft.walk);
	if (!span) return false;
	addSlot(draft, { kind, argument, min, max }, span.start, span.end);
	return true;
}
