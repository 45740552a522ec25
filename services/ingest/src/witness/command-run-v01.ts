// command-run/v0.1, as go-witness writes it: one record per traced task with its opened files, one digest per path, no
// times, no order. Source: attestation/commandrun of go-witness (the ptrace and the eBPF tracer).
import { digestOf, fieldOf, isObject, isPath, type JsonObject, pidOf, textOf } from './fields.ts';
import type { Tally } from './tally.ts';
import {
	commandWordsMax,
	emptyRecord,
	opensMax,
	type ProcessRecord,
	processesMax,
	type Recorded,
} from './trace-record.ts';

/** null when it holds no trace: no process record at all. `own`: a collection of ours, whose command lines are true. */
export function readCommandRunV01(body: JsonObject, own: boolean, tally: Tally): Recorded | null {
	const listed = fieldOf(body, 'processes');
	if (!Array.isArray(listed) || listed.length === 0) return null;
	const recorded = emptyRecord({
		version: 'v0.1',
		cmd: commandOf(body),
		exitCode: exitCodeOf(body),
		witnessPid: 0,
	});
	const paths = new Set<string>();
	for (const [index, entry] of listed.entries()) {
		const process = index < processesMax && isObject(entry) ? readProcess(entry, recorded, tally) : null;
		const opened = isObject(entry) ? fieldOf(entry, 'openedfiles') : undefined;
		if (process !== null) {
			recorded.processes.push(process);
			readOpens(opened, recorded, paths, tally);
			continue;
		}
		tally.add(index < processesMax ? 'unusable_processes' : 'over_limit');
		if (isObject(opened)) tally.add('unusable_opens', Object.keys(opened).length);
	}
	recorded.files = paths.size;
	settleCommandLines(recorded, own);
	return recorded;
}

export function commandOf(body: JsonObject): string[] {
	const cmd = fieldOf(body, 'cmd');
	if (!Array.isArray(cmd)) return [];
	return cmd.slice(0, commandWordsMax).filter((word): word is string => typeof word === 'string');
}

export function exitCodeOf(body: JsonObject): number {
	const code = fieldOf(body, 'exitcode');
	return typeof code === 'number' && Number.isInteger(code) && code >= 0 && code < 2 ** 31 ? code : -1;
}

/** null for a record without a pid. */
function readProcess(entry: JsonObject, recorded: Recorded, tally: Tally): ProcessRecord | null {
	const pid = pidOf(fieldOf(entry, 'processid'));
	if (pid < 0) return null;
	const { signs } = recorded;
	const program = textOf(fieldOf(entry, 'program'));
	const cmdline = textOf(fieldOf(entry, 'cmdline'));
	const programDigest = digestText(fieldOf(entry, 'programdigest'), tally);
	if (programDigest !== '') signs.programDigests++;
	if (textOf(fieldOf(entry, 'environ')) !== '') signs.environments++;
	if (fieldOf(entry, 'specbypassisvuln') === true) signs.speculation++;
	return {
		pid,
		parentPid: Math.max(0, pidOf(fieldOf(entry, 'parentpid'))),
		program: isPath(program) ? program : '',
		arguments: cmdline,
		programDigest,
		exeDigest: digestText(fieldOf(entry, 'exedigest'), tally),
		startUs: -1,
		stopUs: -1,
		uid: -1,
		flags: '',
	};
}

/** sha256 in hex or ''; what is there and cannot be used is counted. */
export function digestText(value: unknown, tally: Tally): string {
	const digest = digestOf(value);
	if (digest.kind === 'digest') return digest.sha256;
	if (digest.kind === 'unusable') tally.add('unusable_digests');
	return '';
}

/** Opened files of the process that was read last. */
function readOpens(opened: unknown, recorded: Recorded, paths: Set<string>, tally: Tally): void {
	if (opened === undefined || opened === null) return;
	if (!isObject(opened)) {
		tally.add('unusable_opens');
		return;
	}
	const process = recorded.processes.length - 1;
	const { pid } = recorded.processes[process] as ProcessRecord;
	const named = Object.keys(opened);
	for (const [index, path] of named.entries()) {
		if (recorded.opens.length >= opensMax) {
			tally.add('over_limit', named.length - index);
			return;
		}
		if (!isPath(path)) {
			tally.add('unusable_opens');
			continue;
		}
		const value = opened[path];
		if (value === null) recorded.signs.nullDigests++;
		const digest = digestText(value, tally);
		if (digest === '') tally.add('opens_without_digest');
		paths.add(path);
		recorded.opens.push({ process, pid, path, digest, timeUs: -1, hashUs: -1, write: false });
	}
}

/** True where only the ptrace tracer can have written the record: it alone hashes the program, and captures the environment. */
export const hasPtraceSigns = ({ signs }: Recorded): boolean =>
	signs.programDigests > 0 || signs.environments > 0 || signs.speculation > 0;

/**
 * The ptrace tracer reads the command line when execve is entered: it is the one of the image before, and is left out. The
 * others' begin with the program's own name.
 */
function settleCommandLines(recorded: Recorded, own: boolean): void {
	const stale = !own && hasPtraceSigns(recorded);
	for (const process of recorded.processes) {
		const cmdline = process.arguments;
		if (stale) {
			if (cmdline !== '') recorded.staleCommandLines++;
			process.arguments = '';
		} else if (cmdline.startsWith(`${process.program} `)) process.arguments = cmdline.slice(process.program.length + 1);
		else process.arguments = cmdline.includes(' ') ? cmdline.slice(cmdline.indexOf(' ') + 1) : '';
	}
}
