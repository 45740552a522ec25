// Every bound of the detect core in one place. What goes over one is counted and makes the session incomplete (session-limit).
export interface DetectLimits {
	/** Process images kept per session, foreign ones included. */
	processes: number;
	/** Suspicious inodes and paths whose whole history is gathered. */
	suspects: number;
	/** Distinct file facts gathered for all suspects together. */
	gatheredFacts: number;
	/** Findings per session. */
	findings: number;
	/** Leads per session. */
	leads: number;
	/** Leads kept per partition until their sessions close. */
	leadsTotal: number;
	/** Sessions whose processes are kept in memory for leads; others are read back when facts of them come. */
	liveSessions: number;
	/** Compiler inputs remembered per session while its manifest is on its way. */
	waitingInputs: number;
	/** File facts of one session kept in memory instead of being read back at close. */
	cachedFacts: number;
	/** The same, over all sessions of a partition. */
	cachedFactsTotal: number;
	/** Sessions open at once per partition. */
	openSessions: number;
	/** Sessions at once per partition of which nothing but sightings is known. */
	sightedSessions: number;
	/** Input records after which such a session is given up. */
	sightedOffsets: number;
	/** Closed sessions remembered per partition, to tell late facts from new ones. */
	closedSessions: number;
}

export const defaultLimits: DetectLimits = {
	processes: 400_000,
	suspects: 10_000,
	gatheredFacts: 100_000,
	findings: 1_000,
	leads: 256,
	leadsTotal: 20_000,
	liveSessions: 2_000,
	waitingInputs: 4_096,
	cachedFacts: 20_000,
	cachedFactsTotal: 100_000,
	openSessions: 20_000,
	sightedSessions: 4_096,
	sightedOffsets: 200_000,
	closedSessions: 4_096,
};

/** Links in one finding's evidence chain. */
export const evidenceMax = 24;
/** Paths named in a finding that sums up many files. */
export const listedPathsMax = 20;
/** Products named in one finding. */
export const listedProductsMax = 20;
/** Parents followed from a process; a recorded tree may hold a cycle. */
export const ancestryMax = 256;
/** Two opens closer than this may be the sensor's copies of one event, microseconds. */
export const copyWindowUs = 1_000;
