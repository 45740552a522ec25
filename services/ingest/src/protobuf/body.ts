// The event inside a GetEventsResponse.
import { emptyEvent, type TraceEvent } from '@affidavit/model/trace-event.ts';
import { digestOf, imaHashLength, imaHexStart } from '../event/digest.ts';
import { functionHook, type Hook, tracepointHook, uprobeHook } from '../event/hook.ts';
import { hookEvent } from '../event/hook-event.ts';
import { complain } from '../event/problem.ts';
import type { CachedProcess } from '../event/process-cache.ts';
import { exitStatus } from '../event/range.ts';
import { cachedString, knownString, type StringCache } from '../event/string-cache.ts';
import { type ArgumentList, readArgument } from './arguments.ts';
import { takeBytes, takeText, takeVarint } from './fields.ts';
import { type Layout, processField, throttleTypes } from './layout.ts';
import type { ProcessReader } from './process.ts';
import { locate, nextField, skipValue, unsignedValue, type Wire } from './wire.ts';

/** What the body of the message at hand gave. Reused for every message. */
export interface Body {
	readonly list: ArgumentList;
	process: CachedProcess | null;
	parent: CachedProcess | null;
	text: string;
	second: string;
	digest: string;
	number: number;
}

export interface State {
	readonly wire: Wire;
	readonly body: Body;
	readonly processes: ProcessReader;
	readonly strings: StringCache;
	readonly digests: StringCache;
	/** Hooks by function name. */
	readonly hooks: Map<string, Hook>;
	lastProcess: CachedProcess | null;
	lastParent: CachedProcess | null;
}

/** Hook names come from policies: few. More are looked up anew each time. */
const hooksMax = 1024;
/** False when something is wrong, with the reason in the wire. */
export function readBody(state: State, layout: Layout, start: number, end: number): boolean {
	const { wire, body } = state;
	body.list.args.length = 0;
	body.process = null;
	body.parent = null;
	body.text = '';
	body.second = '';
	body.digest = '';
	body.number = 0;
	wire.pos = start;
	const ofProcess = layout.kind !== 'throttle' && layout.kind !== 'rate_limit';
	while (nextField(wire, end)) {
		const { field } = wire;
		if (ofProcess && field === processField) {
			body.process = readProcess(state, end, state.lastProcess, 'process');
			state.lastProcess = body.process;
		} else if (field === layout.parent) {
			body.parent = readProcess(state, end, state.lastParent, 'parent');
			state.lastParent = body.parent;
		} else if (field === layout.args) {
			if (takeBytes(wire, end, 'args')) readArgument(wire, body.list, state.strings);
			if (wire.first !== null) locate(wire, `args[${body.list.args.length - 1}]`);
		} else if (field === layout.text) body.text = takeText(wire, end, layout.textName, state.strings);
		else if (field === layout.second) body.second = takeText(wire, end, layout.secondName, state.strings);
		else if (field === layout.imaHash) body.digest = takeDigest(state, end);
		else if (field === layout.number) {
			if (takeVarint(wire, end, 'number')) body.number = unsignedValue(wire);
		} else skipValue(wire, end);
	}
	if (ofProcess && body.process === null) complain(wire, 'missing-field', 'process: expected a message, found nothing');
	checkNames(wire, layout, body);
	if (wire.first === null) return true;
	locate(wire, layout.name);
	return false;
}

function checkNames(wire: Wire, layout: Layout, body: Body): void {
	const named = layout.kind === 'function' || layout.kind === 'tracepoint' || layout.kind === 'uprobe';
	if (named && body.text === '')
		complain(wire, 'missing-field', `${layout.textName}: expected a string, found nothing`);
	if (layout.kind === 'tracepoint' && body.second === '')
		complain(wire, 'missing-field', `${layout.secondName}: expected a string, found nothing`);
}

function readProcess(state: State, end: number, guess: CachedProcess | null, field: string): CachedProcess | null {
	const { wire } = state;
	if (!takeBytes(wire, end, field)) return null;
	return state.processes.read(wire, wire.start, wire.end, guess, field);
}

function takeDigest(state: State, end: number): string {
	const { wire } = state;
	if (!takeBytes(wire, end, 'ima_hash')) return '';
	if (wire.end - wire.start !== imaHashLength) return '';
	// A digest in this cache stood after `sha256:` when it came first: the prefix is looked at anew.
	const { bytes } = wire.input;
	const hexStart = wire.start + imaHexStart;
	if (bytes[wire.start] === 0x73 && bytes[hexStart - 1] === 0x3a) {
		const known = knownString(state.digests, wire.input, hexStart, wire.end);
		if (known !== null && bytes.latin1Slice(wire.start, hexStart) === 'sha256:') return known;
	}
	const digest = digestOf(bytes.utf8Slice(wire.start, wire.end));
	return digest === '' ? '' : cachedString(state.digests, wire.input, hexStart, wire.end);
}

export function eventOf(state: State, layout: Layout, timeUs: number): TraceEvent {
	const { body } = state;
	const execId = body.process ? body.process.info.execId : '';
	switch (layout.kind) {
		case 'function':
			return hookEvent(knownHook(state.hooks, body.text), timeUs, execId, body.list.args, body.digest);
		case 'tracepoint':
			return hookEvent(tracepointHook(body.text, body.second), timeUs, execId, body.list.args, '');
		case 'uprobe':
			return hookEvent(uprobeHook(body.text, body.second), timeUs, execId, body.list.args, '');
		case 'rate_limit': {
			const event = emptyEvent('rate_limit', timeUs, '', '');
			event.count = body.number;
			return event;
		}
		case 'throttle': {
			const event = emptyEvent('throttle', timeUs, '', '');
			event.signal = throttleTypes[body.number] ?? '';
			return event;
		}
		case 'loader': {
			const event = emptyEvent('loader', timeUs, execId, '');
			event.path = body.text;
			return event;
		}
		case 'exit': {
			const event = emptyEvent('exit', timeUs, execId, '');
			event.status = exitStatus(body.number);
			event.signal = body.text;
			return event;
		}
		case 'exec':
			return emptyEvent('exec', timeUs, execId, '');
	}
}

function knownHook(hooks: Map<string, Hook>, name: string): Hook {
	const known = hooks.get(name);
	if (known) return known;
	const hook = functionHook(name);
	if (hooks.size < hooksMax) hooks.set(name, hook);
	return hook;
}
