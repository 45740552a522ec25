// One export line by JSON.parse: right for every shape, and the only place that words a line's errors.

import { emptyEvent, type ProcessInfo, type TraceEvent, unknownProcess } from '@affidavit/model/trace-event.ts';
import type { DecodeErrorCode, DecodeResult } from '../decode-result.ts';
import { isDecimal64, saturate } from '../event/argument.ts';
import { digestOf } from '../event/digest.ts';
import { functionHook, type Hook, tracepointHook, uprobeHook } from '../event/hook.ts';
import { hookEvent } from '../event/hook-event.ts';
import { complain, type Problems } from '../event/problem.ts';
import type { ProcessBuilder } from '../event/process-info.ts';
import { exitStatus, maxUint32 } from '../event/range.ts';
import { timeOutOfRange, timeStringUs } from '../event/time.ts';
import { isObject, type JsonObject, pick, readInteger, readObject, readText, wrongType } from './fields.ts';
import { readArguments } from './general-arguments.ts';
import { readProcess } from './general-process.ts';

/** Also the label of the body in messages. Both spellings, as protojson writes them with and without UseProtoNames. */
const eventNames: ReadonlyMap<string, string> = new Map(
	[
		'process_exec',
		'process_exit',
		'process_kprobe',
		'process_lsm',
		'process_tracepoint',
		'process_uprobe',
		'process_loader',
		'process_throttle',
		'rate_limit_info',
	].flatMap((name) => [
		[name, name],
		[name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), name],
	]),
);

const envelopeNames: ReadonlySet<string> = new Set([
	'node_name',
	'nodeName',
	'time',
	'aggregation_info',
	'aggregationInfo',
	'cluster_name',
	'clusterName',
	'node_labels',
	'nodeLabels',
]);

/** No process did it: the sensor reports about itself. */
const noProcess: ProcessInfo = unknownProcess('');
const unknownNameMax = 60;

export type GeneralDecoder = (line: Buffer) => DecodeResult;

export function createGeneralDecoder(
	build: ProcessBuilder,
	intern: (info: ProcessInfo) => ProcessInfo,
): GeneralDecoder {
	return (line) => {
		const top = parseJson(line.toString('utf8'));
		if (!isObject(top)) return failure('not-json', 'line: expected one JSON object');
		const problems: Problems = { first: null };
		const result = decodeEvent(problems, top, build);
		if (problems.first) return failure(problems.first.code, problems.first.message);
		result.process = intern(result.process);
		if (result.parent) result.parent = intern(result.parent);
		return result;
	};
}

/** undefined when the text is no JSON. */
export function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

export const failure = (code: DecodeErrorCode, message: string): DecodeResult => ({ kind: 'error', code, message });

type EventResult = Extract<DecodeResult, { kind: 'event' }>;

function decodeEvent(problems: Problems, top: JsonObject, build: ProcessBuilder): EventResult {
	const found = findBody(problems, top);
	const { name, body } = found;
	const host = readText(problems, pick(top, 'node_name', 'nodeName'), 'node_name');
	if (host === '') complain(problems, 'missing-field', 'node_name: expected a string, found nothing');
	const timeUs = readTime(problems, top['time'], 'time');
	if (name === 'rate_limit_info' || name === 'process_throttle') {
		const event = name === 'rate_limit_info' ? rateLimit(problems, body, timeUs) : throttle(problems, body, timeUs);
		return { kind: 'event', host, event, process: noProcess, parent: null };
	}
	const raw = readObject(problems, body['process'], `${name}.process`);
	const rawParent = readObject(problems, body['parent'], `${name}.parent`);
	if (!raw) {
		complain(problems, 'missing-field', `${name}.process: expected an object, found nothing`);
		return { kind: 'event', host, event: emptyEvent('other', timeUs, '', ''), process: noProcess, parent: null };
	}
	const process = build(readProcess(problems, raw, `${name}.process`));
	const parent = rawParent ? build(readProcess(problems, rawParent, `${name}.parent`)) : null;
	return { kind: 'event', host, event: bodyEvent(problems, name, body, timeUs, process.execId), process, parent };
}

function findBody(problems: Problems, top: JsonObject): { name: string; body: JsonObject } {
	let unknown: string | null = null;
	for (const key of Object.keys(top)) {
		const name = eventNames.get(key);
		if (name === undefined) {
			if (unknown === null && !envelopeNames.has(key)) unknown = key;
			continue;
		}
		const body = readObject(problems, top[key], name);
		if (body) return { name, body };
	}
	if (unknown === null) complain(problems, 'missing-field', 'line: expected an event, found none');
	else
		complain(
			problems,
			'unknown-event',
			`line: expected process_exec, process_exit, process_kprobe, process_lsm or another known event, found ${JSON.stringify(unknown.slice(0, unknownNameMax))}`,
		);
	return { name: '', body: {} };
}

function readTime(problems: Problems, value: unknown, field: string): number {
	const text = readText(problems, value, field);
	if (text === '') {
		complain(problems, 'missing-field', `${field}: expected an RFC 3339 time, found nothing`);
		return -1;
	}
	const us = timeStringUs(text);
	if (us === timeOutOfRange) complain(problems, 'out-of-range', `${field}: expected a time from 1970 to 2199`);
	else if (us < 0) wrongType(problems, field, 'an RFC 3339 time', value);
	return us;
}

function bodyEvent(problems: Problems, name: string, body: JsonObject, timeUs: number, execId: string): TraceEvent {
	switch (name) {
		case 'process_exec':
			return emptyEvent('exec', timeUs, execId, '');
		case 'process_exit': {
			const event = emptyEvent('exit', timeUs, execId, '');
			// protojson leaves out a zero.
			const status = readInteger(problems, body['status'], `${name}.status`, 0, maxUint32);
			event.status = exitStatus(status === -1 ? 0 : status);
			event.signal = readText(problems, body['signal'], `${name}.signal`);
			return event;
		}
		case 'process_loader': {
			const event = emptyEvent('loader', timeUs, execId, '');
			event.path = readText(problems, body['path'], `${name}.path`);
			return event;
		}
		default: {
			const args = readArguments(problems, body['args'], `${name}.args`);
			return hookEvent(readHook(problems, name, body), timeUs, execId, args, readDigest(problems, name, body));
		}
	}
}

function readHook(problems: Problems, name: string, body: JsonObject): Hook {
	const text = (field: string, camel = field): string => {
		const value = readText(problems, pick(body, field, camel), `${name}.${field}`);
		if (value === '') complain(problems, 'missing-field', `${name}.${field}: expected a string, found nothing`);
		return value;
	};
	if (name === 'process_tracepoint') return tracepointHook(text('subsys'), text('event'));
	if (name === 'process_uprobe') return uprobeHook(text('path'), readText(problems, body['symbol'], `${name}.symbol`));
	return functionHook(text('function_name', 'functionName'));
}

function readDigest(problems: Problems, name: string, body: JsonObject): string {
	if (name !== 'process_lsm') return '';
	const text = readText(problems, pick(body, 'ima_hash', 'imaHash'), `${name}.ima_hash`);
	return digestOf(text);
}

function throttle(problems: Problems, body: JsonObject, timeUs: number): TraceEvent {
	const event = emptyEvent('throttle', timeUs, '', '');
	event.signal = readText(problems, body['type'], 'process_throttle.type');
	return event;
}

function rateLimit(problems: Problems, body: JsonObject, timeUs: number): TraceEvent {
	const event = emptyEvent('rate_limit', timeUs, '', '');
	const field = 'rate_limit_info.number_of_dropped_process_events';
	const value = pick(body, 'number_of_dropped_process_events', 'numberOfDroppedProcessEvents');
	const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value + 0) : value;
	if (text === undefined || text === null) event.count = 0;
	else if (typeof text !== 'string' || !isDecimal64(text, false)) wrongType(problems, field, 'a decimal string', value);
	else event.count = saturate(text);
	return event;
}
