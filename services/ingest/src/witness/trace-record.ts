// What a Witness command-run tells of a build, in one shape for all its versions. Nothing is made up here: what the
// attestation does not say is -1 or ''.

export interface ProcessRecord {
	pid: number;
	/** 0: not told. */
	parentPid: number;
	/** '' for a thread, or a fork that never executed anything. */
	program: string;
	/** '' where the attestation has none that belongs to this program. */
	arguments: string;
	/** sha256 in hex of the file that the exec named; '' none. */
	programDigest: string;
	/** sha256 in hex of /proc/PID/exe when the tracer looked; '' none. */
	exeDigest: string;
	/** Microseconds since 1970; -1 not told. */
	startUs: number;
	stopUs: number;
	/** -1 not told. */
	uid: number;
	flags: string;
}

export interface OpenRecord {
	/** Index into `processes`; -1 where only the pid is told. */
	process: number;
	pid: number;
	/** As the process gave it: may be relative. */
	path: string;
	/** sha256, hex; '' none. */
	digest: string;
	/** Microseconds since 1970; -1 not told. */
	timeUs: number;
	/** When the digest was taken; -1 not told. */
	hashUs: number;
	/** The attestation says that it was a write. */
	write: boolean;
}

/** Signs of the backend that made a command-run v0.1: how many records carry what only one of them writes. */
export interface BackendSigns {
	programDigests: number;
	environments: number;
	speculation: number;
	/** Files whose digest is null. */
	nullDigests: number;
}

export interface Recorded {
	version: 'v0.1' | 'v0.2';
	cmd: string[];
	/** -1 not told. */
	exitCode: number;
	/** 0 not told. */
	witnessPid: number;
	processes: ProcessRecord[];
	opens: OpenRecord[];
	signs: BackendSigns;
	/** Distinct paths. */
	files: number;
	/** Processes with the command line of the image before: not used. */
	staleCommandLines: number;
	/** Process records that say what another one says already. */
	repeatedRecords: number;
	/** Accesses that say nothing that the open has not said (read, close). */
	otherAccesses: number;
}

/** Process records read, at most. */
export const processesMax = 50_000;
/** Opens read, at most: they may all have one time, and the correlator holds as many of one instant. */
export const opensMax = 450_000;
/** UTF-16 units; a longer path is no path of a kernel. */
export const pathLengthMax = 32_768;
/** Words of the traced command kept. */
export const commandWordsMax = 4_096;

/** What the command-run says of itself, before any of its processes and opens is read. */
export const emptyRecord = (told: Pick<Recorded, 'version' | 'cmd' | 'exitCode' | 'witnessPid'>): Recorded => ({
	...told,
	processes: [],
	opens: [],
	signs: { programDigests: 0, environments: 0, speculation: 0, nullDigests: 0 },
	files: 0,
	staleCommandLines: 0,
	repeatedRecords: 0,
	otherAccesses: 0,
});
