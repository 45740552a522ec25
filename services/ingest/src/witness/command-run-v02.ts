// command-run/v0.2 of the 2022 demo: processes with start and stop, and for each file who accessed it when, with which
// digest, taken when. Upstream Witness has never had it.
import { commandOf, digestText, exitCodeOf } from './command-run-v01.ts';
import { fieldOf, isObject, isPath, type JsonObject, pidOf, textOf, timeOf } from './fields.ts';
import type { Tally } from './tally.ts';
import {
	emptyRecord,
	type OpenRecord,
	opensMax,
	type ProcessRecord,
	processesMax,
	type Recorded,
} from './trace-record.ts';

/** null when it holds no trace: neither a process nor a file. */
export function readCommandRunV02(body: JsonObject, tally: Tally): Recorded | null {
	const listed = fieldOf(body, 'processes');
	const files = fieldOf(body, 'files');
	const hasProcesses = Array.isArray(listed) && listed.length > 0;
	const hasFiles = isObject(files) && Object.keys(files).length > 0;
	if (!hasProcesses && !hasFiles) return null;
	const recorded = emptyRecord({
		version: 'v0.2',
		cmd: commandOf(body),
		exitCode: exitCodeOf(body),
		witnessPid: Math.max(0, pidOf(fieldOf(body, 'witnesspid'))),
	});
	if (hasProcesses) readProcesses(listed, recorded, tally);
	if (hasFiles) readFiles(files, recorded, tally);
	return recorded;
}

function readProcesses(listed: readonly unknown[], recorded: Recorded, tally: Tally): void {
	if (listed.length > processesMax) tally.add('over_limit', listed.length - processesMax);
	// The demo's collector may list one record several times.
	const seen = new Set<string>();
	for (const entry of listed.slice(0, processesMax)) {
		const process = isObject(entry) ? readProcess(entry, tally) : null;
		if (process === null) {
			tally.add('unusable_processes');
			continue;
		}
		const { pid, startUs, program, arguments: args } = process;
		const key = `${pid}\0${startUs}\0${program}\0${args}`;
		if (seen.has(key)) {
			recorded.repeatedRecords++;
			continue;
		}
		seen.add(key);
		recorded.processes.push(process);
	}
}

function readProcess(entry: JsonObject, tally: Tally): ProcessRecord | null {
	const pid = pidOf(fieldOf(entry, 'processid'));
	if (pid < 0) return null;
	const program = textOf(fieldOf(entry, 'program'));
	const args = textOf(fieldOf(entry, 'args'));
	const uid = fieldOf(entry, 'uid');
	return {
		pid,
		parentPid: Math.max(0, pidOf(fieldOf(entry, 'parentpid'))),
		program: isPath(program) ? program : '',
		arguments: args,
		programDigest: digestText(fieldOf(entry, 'programdigest'), tally),
		exeDigest: '',
		startUs: usableTime(fieldOf(entry, 'starttime'), tally),
		stopUs: usableTime(fieldOf(entry, 'stoptime'), tally),
		uid: typeof uid === 'number' && Number.isInteger(uid) && uid >= 0 && uid < 2 ** 31 ? uid : -1,
		flags: textOf(fieldOf(entry, 'flags')).slice(0, 200),
	};
}

function readFiles(files: JsonObject, recorded: Recorded, tally: Tally): void {
	for (const path of Object.keys(files)) {
		const file = files[path];
		const accesses = isObject(file) ? fieldOf(file, 'access') : undefined;
		if (!Array.isArray(accesses) || !isPath(path)) {
			tally.add('unusable_opens', Array.isArray(accesses) ? accesses.length : 1);
			continue;
		}
		recorded.files++;
		for (const [index, access] of accesses.entries()) {
			if (recorded.opens.length >= opensMax) {
				tally.add('over_limit', accesses.length - index);
				break;
			}
			const open = isObject(access) ? readAccess(access, path, tally) : 'unusable';
			if (open === 'unusable') tally.add('unusable_opens');
			else if (open === null) recorded.otherAccesses++;
			else recorded.opens.push(open);
		}
	}
}

/** null: says nothing that the open has not said. */
function readAccess(access: JsonObject, path: string, tally: Tally): OpenRecord | null | 'unusable' {
	const pid = pidOf(fieldOf(access, 'pid'));
	if (pid < 0) return 'unusable';
	const type = fieldOf(access, 'type');
	if (type === 'read' || type === 'close') return null;
	if (type !== 'open' && type !== 'write') return 'unusable';
	const timeUs = usableTime(fieldOf(access, 'time'), tally);
	if (type === 'write') return { process: -1, pid, path, digest: '', timeUs, hashUs: -1, write: true };
	const digest = digestText(fieldOf(access, 'digest'), tally);
	if (digest === '') tally.add('opens_without_digest');
	const hashUs = digest === '' ? -1 : usableTime(fieldOf(access, 'hashtime'), tally);
	return { process: -1, pid, path, digest, timeUs, hashUs, write: false };
}

/** Microseconds since 1970; -1 absent, or not usable, which is counted. */
export function usableTime(value: unknown, tally: Tally): number {
	const us = timeOf(value);
	if (us === -2) tally.add('unusable_times');
	return Math.max(us, -1);
}
