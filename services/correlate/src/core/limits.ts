// Every bound of the correlator, with its default (style: a limit on everything).

export interface Limits {
	/** How far events may come out of order, microseconds of event time. */
	skewUs: number;
	/** An event further ahead of its batch, or further behind the watermark, is a dead letter. Microseconds. */
	absurdUs: number;
	/** How long writes are remembered before a session starts, microseconds of event time. */
	horizonUs: number;
	/** A live session closes this long after its last root exited, microseconds. */
	graceUs: number;
	/** A live session closes after this long without an event of its own, microseconds. */
	idleUs: number;
	/** A host without a record for this long is silent, microseconds of log time: a lead for its open sessions. */
	silentUs: number;
	/** Sessions of a host that was silent for this long close incomplete, microseconds of log time. */
	silentCloseUs: number;
	/** Longest session, microseconds of event time. */
	sessionUs: number;
	/** Two equal sensor events within this time are copies of one, microseconds. */
	copyUs: number;
	/** Events that wait for the watermark, per host; beyond, the oldest are released early. */
	reorderEvents: number;
	/** Text of these and of those remembered against copies, per host, UTF-16 units; beyond, as with too many events. */
	reorderText: number;
	/** Process images per host. */
	processes: number;
	/** Written inodes per host. */
	contents: number;
	/** Digests whose size is remembered, per host. */
	digests: number;
	/** Open sessions per host. */
	sessions: number;
	/** Root processes of one session. */
	roots: number;
	/** File facts of one session. */
	facts: number;
	/** Facts in one batch of topic `session`; a fuller record gives several. */
	batchFacts: number;
	/** Text in one batch of topic `session`, UTF-16 units, about. */
	batchText: number;
	/** Gap intervals remembered per host; beyond, intervals of one cause are merged. */
	gaps: number;
	/** Events of one record that get a dead letter of their own; the others are only counted. */
	deadLetters: number;
}

const secondUs = 1_000_000;
const minuteUs = 60 * secondUs;

export const defaultLimits: Limits = {
	skewUs: 10 * secondUs,
	absurdUs: 10 * minuteUs,
	horizonUs: 10 * minuteUs,
	graceUs: minuteUs,
	idleUs: 120 * minuteUs,
	silentUs: 30 * secondUs,
	silentCloseUs: 15 * minuteUs,
	sessionUs: 720 * minuteUs,
	copyUs: 1000,
	reorderEvents: 500_000,
	reorderText: 128 * 1024 * 1024,
	processes: 65_536,
	contents: 262_144,
	digests: 32_768,
	sessions: 1000,
	roots: 1000,
	facts: 5_000_000,
	batchFacts: 4096,
	batchText: 400_000,
	gaps: 4096,
	deadLetters: 100,
};
