// What the doctor asks a host. The checks see only this; probe-host.ts asks the real one.

/** `absent`: there is no such thing here. `unreadable`: it may be there, but could not be read or did not answer. */
export type Probed<T> = { kind: 'found'; value: T } | { kind: 'absent' } | { kind: 'unreadable'; why: string };

export interface KernelConfig {
	/** Where it was read. */
	path: string;
	/** `y`, `m`, or another value; absent when not set. */
	values: ReadonlyMap<string, string>;
}

export interface ImaState {
	/** Value of `ima_policy=` on the kernel's command line; null when there is none. */
	bootPolicy: string | null;
	/** Rules of the loaded policy; null when they may not be read. */
	rules: number | null;
	/** Entries in the measurement list; null when unknown. The boot aggregate alone is 1. */
	measurements: number | null;
}

/** State of a loaded policy, as Tetragon says it. */
export type PolicyState = 'enabled' | 'disabled' | 'load-error' | 'error' | 'loading' | 'unloading' | 'unknown';

export interface LoadedPolicy {
	name: string;
	state: PolicyState;
	/** '' when there is none. */
	error: string;
}

export interface TetragonState {
	version: string;
	/** `running`, or what the agent says instead. */
	health: string;
	/** null when the agent does not list them. */
	policies: LoadedPolicy[] | null;
}

export interface ExportFileState {
	bytes: number;
	modifiedMs: number;
	/** True when the first line is one of Tetragon's; null for an empty file. */
	isExport: boolean | null;
}

export interface ClockState {
	nowMs: number;
	/** Start of the kernel; null when unknown. */
	bootMs: number | null;
	/** Whether the time service says that the clock is set; null when it does not say. */
	isSynchronized: boolean | null;
}

export interface Probes {
	/** `uname -r`. */
	kernelRelease(): Promise<Probed<string>>;
	kernelConfig(): Promise<Probed<KernelConfig>>;
	/** Active security modules, in order. */
	securityModules(): Promise<Probed<string[]>>;
	ima(): Promise<Probed<ImaState>>;
	/** Bytes of the kernel's type information (BTF). */
	btf(): Promise<Probed<number>>;
	tetragon(address: string): Promise<Probed<TetragonState>>;
	exportFile(path: string): Promise<Probed<ExportFileState>>;
	/** Names of the metrics that the endpoint gives. */
	metrics(url: string): Promise<Probed<ReadonlySet<string>>>;
	/** Bytes free where the data folder is or would be. */
	diskFree(folder: string): Promise<Probed<number>>;
	clock(): Promise<Probed<ClockState>>;
	/** As `process.versions.node`. */
	nodeVersion(): Promise<Probed<string>>;
}
