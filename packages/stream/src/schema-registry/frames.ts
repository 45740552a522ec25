// The schema id that a value carries on the wire, and the one that it carries in the program (model/frame.ts): the repository's own,
// so that digests, signatures and chains are the same whichever registry a fleet has, or none.
import type { Topic } from '../ports.ts';

export interface Frames {
	/** Returns `value` itself or a copy with another id; never changes its bytes. */
	toWire(topic: Topic, value: Uint8Array): Uint8Array;
	/** May change the bytes in place and returns them. An id that is none of ours is marked, so that the codec refuses it by name. */
	fromWire(topic: Topic, value: Uint8Array): Uint8Array;
	/**
	 * Awaited before `fromWire` for the same values: learns the ids that are new. Rejects with StreamError('unavailable') while the
	 * registry does not answer: read the values again later.
	 */
	prepare(topic: Topic, values: readonly Uint8Array[]): Promise<void>;
	/** Gives the connections back. */
	close(): Promise<void>;
}

/** Where no registry is configured: the wire carries the repository's ids. */
export const repoFrames: Frames = {
	toWire: (_topic, value) => value,
	fromWire: (_topic, value) => value,
	prepare: async () => {},
	close: async () => {},
};
