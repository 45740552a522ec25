// The programs that ran in good builds, and the Rego that allows them and no others; pure.
import type { CommandRun, RunProcess } from '@affidavit/attest/generated/witness-collection-v0.1.ts';
import { commandRunType } from '@affidavit/attest/type-uris.ts';
import { printable } from '../text/printable.ts';
import type { GoodBuild } from './init-session.ts';

export interface Programs {
	/** sha256 → paths, both sorted. */
	allowed: Map<string, string[]>;
	/** Paths of programs that the builds made and ran themselves: their content changes with the sources. */
	own: string[];
	/** Own programs with a path that differs each time: globs. */
	ownPatterns: string[];
	/** Paths of programs whose digest nobody saw. */
	undigested: string[];
}

/** Whether such a program makes programs out of sources: compiler, linker, go. */
export type IsMaker = (binary: string, args: string) => boolean;

export function programsOf(builds: readonly GoodBuild[], isMaker: IsMaker): Programs {
	const allowed = new Map<string, Set<string>>();
	const own = new Set<string>();
	const ownPatterns = new Set<string>();
	const undigested = new Set<string>();
	const changing = changingPaths(builds);
	for (const build of builds) {
		const made = madePaths(build, isMaker, changing);
		for (const process of processesOf(build)) {
			const { program } = process;
			const digests = digestsOf(process);
			if (digests.length === 0) undigested.add(program);
			else if (made.has(program)) {
				const pattern = patternOf(program);
				if (pattern === null) own.add(program);
				else ownPatterns.add(pattern);
			} else for (const digest of digests) allowed.set(digest, (allowed.get(digest) ?? new Set()).add(program));
		}
	}
	return {
		allowed: new Map(
			[...allowed].map(([digest, paths]): [string, string[]] => [digest, [...paths].sort()]).sort(byPath),
		),
		own: [...own].sort(),
		ownPatterns: [...ownPatterns].sort(),
		undigested: [...undigested].sort(),
	};
}

const digestsOf = ({ programdigest, exedigest }: RunProcess): string[] =>
	[programdigest?.sha256, exedigest?.sha256].filter((digest) => digest !== undefined);

const byPath = ([a, [pathA = '']]: [string, string[]], [b, [pathB = '']]: [string, string[]]): number =>
	pathA < pathB ? -1 : pathA > pathB ? 1 : a < b ? -1 : 1;

const processesOf = ({ collection }: GoodBuild): CommandRun['processes'] =>
	collection.attestations.flatMap(({ type, attestation }) =>
		type === commandRunType ? (attestation as CommandRun).processes : [],
	);

const writes: ReadonlySet<string> = new Set(['write', 'open_write', 'rename', 'link']);

/**
 * Files that the session made out of sources: a compiler, a linker or go wrote them; or some program of the session did, and
 * they are not the same in each build. What npm or tar brought is no such file: it is pinned by its digest.
 */
function madePaths({ trace }: GoodBuild, isMaker: IsMaker, changing: ReadonlySet<string>): Set<string> {
	const made = new Set<string>();
	const writers = new Map(trace?.processes.map((p): [string, boolean] => [p.execId, isMaker(p.binary, p.arguments)]));
	for (const { op, path, foreign, execId } of trace?.files ?? [])
		if (!foreign && writes.has(op) && (writers.get(execId) === true || changing.has(path))) made.add(path);
	return made;
}

/** Programs that had more than one digest over the builds. */
function changingPaths(builds: readonly GoodBuild[]): Set<string> {
	const first = new Map<string, string>();
	const changing = new Set<string>();
	for (const build of builds)
		for (const process of processesOf(build))
			for (const digest of digestsOf(process)) {
				const known = first.get(process.program);
				if (known === undefined) first.set(process.program, digest);
				else if (known !== digest) changing.add(process.program);
			}
	return changing;
}

/** So many digits in a row are a temporary name: /tmp/go-build2955623578/b001/exe/gen */
const temporaryDigits = /\d{6,}/;

function patternOf(path: string): string | null {
	if (!temporaryDigits.test(path)) return null;
	return path.replace(/[\\*?[\]{}!,]/g, '\\$&').replace(/\d{6,}/g, '*');
}

export function programsRego(programs: Programs): string {
	const { allowed, own, ownPatterns, undigested } = programs;
	const list = [...allowed].map(([digest, paths]) => `\t${text(digest)}, # ${printable(paths.join(', '))}\n`).join('');
	// {} is an object in Rego.
	const set = list === '' ? 'set()' : `{\n${list}}`;
	return `# Which programs may run. Witness asks this for each command-run of a build; no denial accepts it.
package affidavit.programs

# sha256 of each program that ran, and where it lay. Take out what should not run; put the next version beside this one.
allowed := ${set}
${ownRego(own, ownPatterns)}${undigestedRego(undigested)}
# A trace without processes proves nothing.
deny[msg] {
	count(processes) == 0
	msg := "no process was recorded"
}

# A program whose digest nobody saw could be any program.
deny[msg] {
	process := processes[_]
	count(digests(process)) == 0
${undigested.length === 0 ? '' : '\tnot undigested[program(process)]\n'}	msg := sprintf("program without a digest: %s", [program(process)])
}

# Anything else: a compiler that is not the one you know.
deny[msg] {
	process := processes[_]
	found := digests(process)
	found[digest]
	not allowed[digest]
${own.length === 0 ? '' : '\tnot own[program(process)]\n'}${ownPatterns.length === 0 ? '' : '\tnot own_pattern(program(process))\n'}	msg := sprintf("program that is not allowed: %s sha256:%s", [program(process), digest])
}

# Read so that a field that is missing denies, and does not switch the rule off.
processes = object.get(input, "processes", [])

program(process) = object.get(process, "program", "")

digests(process) = {digest |
	field := ["programdigest", "exedigest"][_]
	digest := object.get(process, [field, "sha256"], "")
	digest != ""
}
`;
}

function ownRego(own: readonly string[], patterns: readonly string[]): string {
	if (own.length === 0 && patterns.length === 0) return '';
	const why =
		'\n# Programs that the build makes and then runs: their content changes with the sources, so they are known by their path.\n';
	const set = own.length === 0 ? '' : `own := {\n${lines(own)}}\n`;
	const globs =
		patterns.length === 0
			? ''
			: `own_patterns := {\n${lines(patterns)}}\n\nown_pattern(path) {\n\tglob.match(own_patterns[_], ["/"], path)\n}\n`;
	return why + [set, globs].filter((part) => part !== '').join('\n');
}

function undigestedRego(paths: readonly string[]): string {
	if (paths.length === 0) return '';
	return `
# REVIEW: these ran without a digest in the builds that this policy was made from. While they stand here, nobody knows what runs
# at these paths; take them out as soon as the sensor sees their digests.
undigested := {
${lines(paths)}}
`;
}

const lines = (paths: readonly string[]): string => paths.map((path) => `\t${text(path)},\n`).join('');

/** A string of Rego: JSON's. */
const text = (value: string): string => JSON.stringify(value);
