// Regular expressions in RE2's syntax, in linear time, compiled once in an evaluation.
import { RE2JS } from 're2js';
import { type BuiltinContext, BuiltinError, compiledMax } from './builtin.ts';

/** Compiling costs about so many steps for a character. */
const compileSteps = 8;
/** Instructions times characters that make one step: the slow engine takes half a microsecond for them. */
const matchUnit = 16;

export interface Pattern {
	regex: RE2JS;
	/** Instructions. */
	size: number;
}

export function compilePattern(source: string, context: BuiltinContext): Pattern | BuiltinError {
	return remembered(`regex:${source}`, context, () => parsePattern(source, context));
}

/** Compiles once for each key; the oldest is forgotten where there are too many. */
export function remembered<T>(key: string, context: BuiltinContext, make: () => T): T {
	const known = context.compiled.get(key);
	if (known !== undefined) return known as T;
	const made = make();
	if (context.compiled.size >= compiledMax) {
		const [oldest] = context.compiled.keys();
		if (oldest !== undefined) context.compiled.delete(oldest);
	}
	context.compiled.set(key, made);
	return made;
}

export function parsePattern(source: string, context: BuiltinContext): Pattern | BuiltinError {
	context.charge(compileSteps * (1 + source.length));
	const regex = compiled(source);
	if (regex instanceof BuiltinError) return regex;
	const size = regex.programSize();
	context.charge(size);
	return { regex, size };
}

function compiled(source: string): RE2JS | BuiltinError {
	try {
		return RE2JS.compile(source);
	} catch (error) {
		// The library has one error for what it cannot read; deep nesting may end in another.
		return new BuiltinError(error instanceof Error ? error.message : 'error parsing regexp');
	}
}

function chargeMatch({ size }: Pattern, length: number, context: BuiltinContext): void {
	context.charge(1 + Math.ceil((length * size) / matchUnit));
}

/** Up to this length a text is charged for what its match really took, longer ones for the worst before it. */
const shortText = 2_048;
/** Bytes of states that a kept pattern may hold: compiledMax of them stay below the memory of a run. */
const statesBytesMax = 128 * 1024;
/** Below so many bytes left, the matcher is throwing states away and making them again. */
const exhaustedBytes = 64 * 1024;

export function testPattern(pattern: Pattern, text: string, context: BuiltinContext): boolean {
	if (text.length > shortText) chargeMatch(pattern, text.length, context);
	else context.charge(4 + (text.length >> 4));
	const before = statesOf(pattern);
	const matched = pattern.regex.test(text);
	const after = statesOf(pattern);
	if (after === undefined || after.count === before?.count) return matched;
	if (after.bytesLeft < exhaustedBytes) context.charge(Math.ceil((text.length * pattern.size) / 4));
	else context.charge(Math.ceil(((after.count - (before?.count ?? 0)) * pattern.size) / 4));
	if (after.bytes > statesBytesMax) forget(pattern, context);
	return matched;
}

interface States {
	count: number;
	bytes: number;
	bytesLeft: number;
}

/** Of the automaton that the library makes as it goes; undefined where a match took none. */
function statesOf({ regex }: Pattern): States | undefined {
	const automaton = regex.re2Input.lazyDFA;
	if (!automaton) return undefined;
	const { stateCount, memBudget, stateBudget } = automaton;
	return { count: stateCount, bytes: stateBudget - memBudget, bytesLeft: memBudget };
}

/** It is compiled again where it is used again. */
function forget(pattern: Pattern, context: BuiltinContext): void {
	for (const [key, known] of context.compiled) if (known === pattern) context.compiled.delete(key);
}

/** Start and end of the whole match, then of each group, -1 where it took no part. In UTF-16 units. */
export type Match = readonly number[];

/** Go's way: an empty match that touches the one before it does not count. max < 0: all. */
export function allMatches(pattern: Pattern, text: string, max: number, context: BuiltinContext): readonly Match[] {
	const matches: Match[] = [];
	const matcher = pattern.regex.matcher(text);
	let previousEnd = -1;
	while (max < 0 || matches.length < max) {
		chargeMatch(pattern, text.length - Math.max(previousEnd, 0), context);
		if (!matcher.find()) break;
		const start = matcher.start();
		const end = matcher.end();
		const touches = start === end && start === previousEnd;
		previousEnd = end;
		if (touches) continue;
		const match: number[] = [];
		for (let group = 0; group <= matcher.groupCount(); group++) match.push(matcher.start(group), matcher.end(group));
		context.charge(match.length);
		matches.push(match);
	}
	return matches;
}

/** Text of a group, empty where it took no part. */
export function groupText(text: string, match: Match, group: number): string {
	const start = match[2 * group] ?? -1;
	return start < 0 ? '' : text.slice(start, match[2 * group + 1]);
}
