// Which of Witness's tracers made a trace, and what its digests are worth. Where it cannot be told, the weaker word.
import type { ImportedAssurance } from '@affidavit/model/imported.ts';
import type { WitnessTrace } from './collection.ts';
import { hasPtraceSigns } from './command-run-v01.ts';

/** tetragon: the demo's collector (v0.2). affidavit: a collection of ours. */
export type Backend = 'ptrace' | 'ebpf' | 'tetragon' | 'affidavit' | 'unknown';

export function backendOf({ recorded, own }: WitnessTrace): Backend {
	if (own) return 'affidavit';
	if (recorded.version === 'v0.2') return recorded.processes.some(({ flags }) => flags !== '') ? 'tetragon' : 'unknown';
	const ptrace = hasPtraceSigns(recorded);
	// The ptrace tracer takes files that it could not hash out of the list; the eBPF one leaves them with null.
	const ebpf = recorded.signs.nullDigests > 0;
	if (ptrace && ebpf) return 'unknown';
	if (ptrace) return 'ptrace';
	return ebpf || recorded.processes.some(({ exeDigest }) => exeDigest !== '') ? 'ebpf' : 'unknown';
}

/** The best word that a digest of the backend can have. */
export function assuranceOf(backend: Backend): ImportedAssurance {
	switch (backend) {
		case 'ptrace':
			return 'ptrace';
		case 'affidavit':
			return 'declared';
		case 'ebpf':
		case 'tetragon':
		case 'unknown':
			return 'agent';
	}
}

/**
 * The ptrace tracer hashes while the task waits in its system call, but: a relative path it looks up from its own working
 * folder, not the task's; and what was not there yet it hashes when the build is over. Those digests are no better than late
 * ones. `existed`: null where nothing tells which files were there before.
 */
export function openAssurance(best: ImportedAssurance, relative: boolean, existed: boolean | null): ImportedAssurance {
	if (best !== 'ptrace') return best;
	return relative || existed === false ? 'agent' : 'ptrace';
}
