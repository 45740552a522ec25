// Witness's command-run/v0.1 of a session: only fields that Witness knows, since it drops the others before Rego sees them.
import type { CommandRun, DigestSet, RunProcess } from '@affidavit/attest/generated/witness-collection-v0.1.ts';
import type { ExitFact, ProcessFact } from '@affidavit/model/generated/session.ts';
import { baseName } from '@affidavit/model/paths.ts';
import type { Executions } from './executions.ts';
import type { OrderedFacts } from './held-facts.ts';
import type { OpenedFiles } from './opened-files.ts';

export interface CommandRunResult {
	attestation: CommandRun;
	/** Processes left out. */
	omitted: number;
}

/** Parents followed upwards through images of the same pid. */
const chainMax = 1_000;

export function commandRun(
	facts: OrderedFacts,
	executions: Executions,
	opened: OpenedFiles,
	processesMax: number,
): CommandRunResult {
	const byId = new Map(facts.processes.map((p) => [p.execId, p]));
	const own = facts.processes.filter((p) => !p.foreign);
	const root = byId.get(facts.opened.rootExecId);
	const processes = own.slice(0, processesMax).map((p) => runProcess(p, byId, executions, opened));
	return {
		attestation: {
			cmd: root ? [root.binary, ...splitArguments(root.arguments)] : [],
			exitcode: exitCode(own, facts.exits),
			processes,
		},
		omitted: own.length - processes.length,
	};
}

function runProcess(
	process: ProcessFact,
	byId: ReadonlyMap<string, ProcessFact>,
	executions: Executions,
	opened: OpenedFiles,
): RunProcess {
	const { program, executable } = executions.digestsOf(process, byId);
	const entry: RunProcess = {
		program: process.binary,
		processid: process.pid,
		parentpid: parentPid(process, byId),
		comm: baseName(process.binary),
		cmdline: process.arguments === '' ? process.binary : `${process.binary} ${process.arguments}`,
	};
	if (program !== '') entry.programdigest = { sha256: program };
	if (executable !== '') entry.exedigest = { sha256: executable };
	const files = opened.byProcess.get(process.execId);
	if (files) {
		// A null prototype: a file may be called __proto__.
		const record: Record<string, DigestSet> = Object.create(null);
		for (const [path, digest] of files) record[path] = digest === '' ? {} : { sha256: digest };
		entry.openedfiles = record;
	}
	return entry;
}

/** Pid of the first ancestor with another pid; 0 when it was never seen. */
function parentPid(process: ProcessFact, byId: ReadonlyMap<string, ProcessFact>): number {
	let image: ProcessFact | undefined = byId.get(process.parentExecId);
	for (let depth = 0; image && depth < chainMax; depth++) {
		if (image.pid !== process.pid) return image.pid;
		image = byId.get(image.parentExecId);
	}
	return 0;
}

/** First code of a root, by start, that is not 0; -1 when a root's exit was not seen or a signal ended it. */
function exitCode(own: readonly ProcessFact[], exits: ReadonlyMap<string, ExitFact>): number {
	const nextImage = new Map<string, ProcessFact>();
	const byId = new Map(own.map((p) => [p.execId, p]));
	for (const p of own) if (p.executed && byId.get(p.parentExecId)?.pid === p.pid) nextImage.set(p.parentExecId, p);
	for (const root of own) {
		if (!root.root) continue;
		// A root that execs its last command exits as that image.
		let last = root;
		for (let depth = 0; depth < chainMax; depth++) {
			const next = nextImage.get(last.execId);
			if (!next) break;
			last = next;
		}
		const exit = exits.get(last.execId);
		if (!exit || exit.status < 0 || (exit.signal !== '' && exit.status === 0)) return -1;
		if (exit.status !== 0) return exit.status;
	}
	return 0;
}

/** Arguments as the sensor joins them: blank-separated, in double quotes where they hold a blank. */
export function splitArguments(text: string): string[] {
	const parts: string[] = [];
	let part = '';
	let quoted = false;
	let open = false;
	for (const char of text) {
		if (char === '"') {
			quoted = !quoted;
			open = true;
		} else if (char === ' ' && !quoted) {
			if (open) parts.push(part);
			part = '';
			open = false;
		} else {
			part += char;
			open = true;
		}
	}
	if (open) parts.push(part);
	return parts;
}
