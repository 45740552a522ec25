// A hook's arguments as a trace event: by label where the policy gives one, else by type and position.
import { baseName } from '@affidavit/model/paths.ts';
import { emptyEvent, type TraceEvent } from '@affidavit/model/trace-event.ts';
import { type Argument, ArgumentType, Label } from './argument.ts';
import type { Hook } from './hook.ts';

/** MAY_WRITE of include/linux/fs.h. */
const mayWrite = 2;

type Arguments = readonly Argument[];

/** `digest`: sha256 in hex, or '' (only LSM hooks carry one). */
export function hookEvent(hook: Hook, timeUs: number, execId: string, args: Arguments, digest: string): TraceEvent {
	const event = emptyEvent(hook.kind, timeUs, execId, hook.name);
	if (hook.digestIsCurrent) event.digest = digest;
	switch (hook.kind) {
		case 'open':
		case 'check':
		case 'truncate':
		case 'map':
			fillFile(event, args);
			break;
		case 'write':
			fillFile(event, args);
			if (event.flags === -1) event.flags = intAt(args, 0);
			if (event.flags === -1 || (event.flags & mayWrite) === 0) event.kind = 'other';
			break;
		case 'rename':
			fillName(event, pathOf(args, Label.new_dir, 2), pathOf(args, Label.new, 3));
			event.path2 = joined(pathOf(args, Label.old_dir, 0), pathOf(args, Label.old, 1));
			break;
		case 'unlink':
			fillName(event, pathOf(args, Label.dir, 0), pathOf(args, Label.dentry, 1));
			break;
		case 'link':
			fillName(event, pathOf(args, Label.new_dir, 1), pathOf(args, Label.new, 2));
			event.path2 = pathOf(args, Label.old, 0);
			break;
		case 'symlink':
			fillName(event, pathOf(args, Label.dir, 0), pathOf(args, Label.dentry, 1));
			event.path2 = textOf(args, Label.target, 0);
			break;
		case 'ptrace':
			event.request = numberOf(args, Label.request, 0);
			event.pid = numberOf(args, Label.pid, 1);
			break;
		case 'vmwrite':
			event.pid = numberOf(args, Label.pid, 0);
			break;
		case 'mount':
			event.path2 = textOf(args, Label.none, 0);
			event.path = textOf(args, Label.target, 1);
			break;
		case 'setns':
			event.request = numberOf(args, Label.flags, 1);
			break;
		case 'unshare':
			event.request = numberOf(args, Label.flags, 0);
			break;
		case 'connect':
		case 'bind':
			fillSocket(event, args);
			break;
		default:
			fillFile(event, args);
	}
	if (hook.kind === 'map') fillMap(event, args);
	else if (event.ino === '') event.ino = inodeOf(args);
	return event;
}

/** The file itself and whatever labels say about it. */
function fillFile(event: TraceEvent, args: Arguments): void {
	for (let i = 0; i < args.length; i++) {
		const a = args[i] as Argument;
		if (a.type === ArgumentType.file) {
			if (event.path === '') {
				event.path = a.text;
				event.fileType = a.fileType;
			}
			continue;
		}
		switch (a.label) {
			case Label.ino:
				event.ino = inodeText(a);
				break;
			case Label.dev:
				event.dev = a.value;
				break;
			case Label.size:
				event.size = a.value;
				break;
			case Label.f_flags:
			case Label.mask:
				event.flags = a.value;
				break;
			case Label.pos:
				event.pos = a.value;
				break;
		}
	}
}

function fillMap(event: TraceEvent, args: Arguments): void {
	event.flags = numberOf(args, Label.prot, 0);
	event.request = numberOf(args, Label.flags, 1);
}

/** `dentry` is relative to its file system's root, so the name is put together from the directory's path. */
function fillName(event: TraceEvent, dir: string, dentry: string): void {
	event.path = joined(dir, dentry);
	if (dentry !== event.path) event.fsPath = dentry;
}

function joined(dir: string, dentry: string): string {
	if (dentry === '' || dir === '') return dentry;
	return dir === '/' ? `/${baseName(dentry)}` : `${dir}/${baseName(dentry)}`;
}

function fillSocket(event: TraceEvent, args: Arguments): void {
	for (let i = 0; i < args.length; i++) {
		const a = args[i] as Argument;
		if (a.type !== ArgumentType.socket) continue;
		event.family = a.family;
		event.address = a.text;
		event.port = a.port;
		return;
	}
}

const inodeText = (a: Argument): string =>
	a.type === ArgumentType.long ? a.text : a.type === ArgumentType.int ? String(a.value) : '';

function inodeOf(args: Arguments): string {
	const found = labelled(args, Label.ino);
	return found ? inodeText(found) : '';
}

function labelled(args: Arguments, label: Label): Argument | null {
	if (label === Label.none) return null;
	for (let i = 0; i < args.length; i++) if ((args[i] as Argument).label === label) return args[i] as Argument;
	return null;
}

function nth(args: Arguments, type: ArgumentType, position: number): Argument | null {
	let seen = 0;
	for (let i = 0; i < args.length; i++) {
		if ((args[i] as Argument).type !== type) continue;
		if (seen === position) return args[i] as Argument;
		seen++;
	}
	return null;
}

function pathOf(args: Arguments, label: Label, position: number): string {
	const found = labelled(args, label);
	if (found) return found.type === ArgumentType.file ? found.text : '';
	return nth(args, ArgumentType.file, position)?.text ?? '';
}

function textOf(args: Arguments, label: Label, position: number): string {
	const found = labelled(args, label) ?? nth(args, ArgumentType.text, position);
	return found?.type === ArgumentType.text ? found.text : '';
}

const intAt = (args: Arguments, position: number): number => nth(args, ArgumentType.int, position)?.value ?? -1;

function numberOf(args: Arguments, label: Label, position: number): number {
	const found = labelled(args, label);
	if (!found) return intAt(args, position);
	return found.type === ArgumentType.int || found.type === ArgumentType.long ? found.value : -1;
}
