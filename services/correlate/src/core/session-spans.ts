// Which input records a session was made of. A rebuild without the store must see a session whole or not at all: half of one
// would look like another session, and be judged again.

/** Offsets of the first record that a session needs and of the last that said something of it, both included. */
export interface SessionSpan {
	from: number;
	to: number;
}

/** Key: session id. */
export type SessionSpans = Map<string, SessionSpan>;

/** Spans remembered per partition. */
const spansMax = 16_384;

/** Notes that the record at `to` said something of a session; `from` counts the first time. Returns how many were forgotten. */
export function noteSpan(spans: SessionSpans, session: string, from: number, to: number): number {
	const known = spans.get(session);
	// Moved to the end: the map is in order of `to`.
	spans.delete(session);
	spans.set(session, { from: known?.from ?? from, to });
	if (spans.size <= spansMax) return 0;
	spans.delete(spans.keys().next().value as string);
	return 1;
}

/** The latest offset at or before `offset` that no session reaches across; sessions that ended before it are forgotten. */
export function wholeFrom(spans: SessionSpans, offset: number): number {
	let from = offset;
	for (const span of [...spans.values()].reverse()) {
		if (span.to < from) break;
		from = Math.min(from, span.from);
	}
	for (const [session, span] of spans) {
		if (span.to >= from) break;
		spans.delete(session);
	}
	return from;
}

export const encodeSpans = (spans: SessionSpans): Uint8Array =>
	Buffer.from(JSON.stringify([...spans].map(([session, { from, to }]) => [session, from, to])));

export const decodeSpans = (bytes: Uint8Array): SessionSpans =>
	new Map(
		(JSON.parse(Buffer.from(bytes).toString()) as [string, number, number][]).map(([session, from, to]) => [
			session,
			{ from, to },
		]),
	);
