// What the events of an imported trace call themselves: the hook says how a digest was got, since a batch has one source
// and a Witness trace mixes several ways. Written by ingest, read by correlate and detect.
import type { Assurance } from './generated/session.ts';

export type ImportedAssurance = Extract<Assurance, 'ptrace' | 'agent' | 'declared'>;

/** open: a file was opened, for what is not known. exec: it was executed. write: the session wrote it. */
export type ImportedAct = 'open' | 'exec' | 'write';

export const importedHook = (assurance: ImportedAssurance, act: ImportedAct): string => `imported:${assurance}:${act}`;

/** Hook of an event that says something about the import itself: `path` is the text, `count` how many it concerns. */
export const aboutHook = 'imported:about';

/** Hook of an event that says of its process that its parent is not in the trace. */
export const orphanHook = 'imported:orphan';

/** Id of the matcher that opens the session of an imported trace. */
export const importedMatcher = 'witness-import';

const acts: readonly ImportedAct[] = ['open', 'exec', 'write'];
const words: readonly ImportedAssurance[] = ['ptrace', 'agent', 'declared'];

const assurances: ReadonlyMap<string, ImportedAssurance> = new Map(
	words.flatMap((word) => acts.map((act) => [importedHook(word, act), word] as const)),
);

/** How an imported event got its digest; the weakest word for a hook that is none of ours. */
export const importedAssurance = (hook: string): ImportedAssurance => assurances.get(hook) ?? 'declared';

const sensorHooks: Readonly<Record<ImportedAct, string>> = {
	open: 'file_post_open',
	exec: 'bprm_check_security',
	// A product says that the session wrote a file, not that anybody's writes are seen.
	write: '',
};

const equivalents: ReadonlyMap<string, string> = new Map(
	words.flatMap((word) => acts.map((act) => [importedHook(word, act), sensorHooks[act]] as const)),
);

/** The sensor's hook that shows the same, '' when none does; undefined for a hook that is none of ours. */
export const sensorEquivalent = (hook: string): string | undefined => equivalents.get(hook);
