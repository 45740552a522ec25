// What opens a session: matchers as data, first match wins (design 6). Presets: ../matchers/presets.json.

import { baseName } from '@affidavit/model/paths.ts';
import type { ProcessInfo } from '@affidavit/model/trace-event.ts';
import { CorrelateError } from '../errors.ts';

/** A CI system: recognised by environment variables that its jobs inherit. */
export interface EnvironmentMatcher {
	kind: 'environment';
	id: string;
	/** Variables that must be there and not empty. */
	present: readonly string[];
	/** Variables whose values together name one job on one host. */
	jobKey: readonly string[];
	/** Variable that holds the run's or job's id. */
	runId: string;
	repository: string;
	commit: string;
	workspace: string;
}

/** A build started by hand: recognised by executable and arguments. */
export interface CommandMatcher {
	kind: 'command';
	id: string;
	/** File names of the executable. */
	binary: readonly string[];
	/** File names of the script that the executable runs (its first argument); empty when the executable is the tool. */
	script: readonly string[];
	/** First words of the arguments that are no options; empty: any. */
	command: readonly string[];
}

export type Matcher = EnvironmentMatcher | CommandMatcher;

export interface Match {
	matcher: string;
	jobKey: string;
	/** Values of the job key, '' where a variable is missing. */
	jobKeyParts: string[];
	ciRunId: string;
	repository: string;
	commit: string;
	workspace: string;
}

/** Words of the arguments looked at. */
const wordsMax = 16;

export function matchProcess(matchers: readonly Matcher[], info: ProcessInfo): Match | null {
	for (const matcher of matchers) {
		const match = matcher.kind === 'environment' ? matchEnvironment(matcher, info) : matchCommand(matcher, info);
		if (match !== null) return match;
	}
	return null;
}

function matchEnvironment(matcher: EnvironmentMatcher, info: ProcessInfo): Match | null {
	const { environment } = info;
	for (const name of matcher.present) if (!environment[name]) return null;
	const jobKeyParts = matcher.jobKey.map((name) => environment[name] ?? '');
	return {
		matcher: matcher.id,
		jobKey: jobKeyParts.filter((part) => part !== '').join('/'),
		jobKeyParts,
		ciRunId: environment[matcher.runId] ?? '',
		repository: environment[matcher.repository] ?? '',
		commit: environment[matcher.commit] ?? '',
		workspace: environment[matcher.workspace] ?? '',
	};
}

function matchCommand(matcher: CommandMatcher, info: ProcessInfo): Match | null {
	if (!matcher.binary.includes(baseName(info.binary))) return null;
	let words: string[] | null = null;
	let at = 0;
	if (matcher.script.length > 0) {
		words = info.arguments.split(' ', wordsMax);
		if (!matcher.script.includes(baseName(words[0] ?? ''))) return null;
		at = 1;
	}
	if (matcher.command.length > 0) {
		words ??= info.arguments.split(' ', wordsMax);
		while (at < words.length && (words[at] as string).startsWith('-')) at++;
		if (!matcher.command.includes(words[at] ?? '')) return null;
	}
	return {
		matcher: matcher.id,
		jobKey: '',
		jobKeyParts: [],
		ciRunId: '',
		repository: '',
		commit: '',
		workspace: '',
	};
}

/** True when two keys can name the same job: a variable that one of them lacks says nothing. */
export function sameJob(a: readonly string[], b: readonly string[]): boolean {
	if (a.length === 0 || a.length !== b.length) return false;
	for (let i = 0; i < a.length; i++) if (a[i] !== b[i] && a[i] !== '' && b[i] !== '') return false;
	return true;
}

/** Checks matchers as they come from JSON or YAML; names the field that is wrong. */
export function parseMatchers(value: unknown): Matcher[] {
	const list = isRecord(value) ? value['matchers'] : value;
	if (!Array.isArray(list)) throw wrong('matchers', 'a list');
	const ids = new Set<string>();
	return list.map((entry: unknown, index) => {
		const at = `matchers[${index}]`;
		if (!isRecord(entry)) throw wrong(at, 'an object');
		const matcher = parseMatcher(entry, at);
		if (ids.has(matcher.id)) throw wrong(`${at}.id`, 'an id that no other matcher has');
		ids.add(matcher.id);
		return matcher;
	});
}

function parseMatcher(entry: Record<string, unknown>, at: string): Matcher {
	switch (entry['kind']) {
		case 'environment': {
			refuseOthers(entry, at, ['kind', 'id', 'present', 'jobKey', 'runId', 'repository', 'commit', 'workspace']);
			const present = names(entry, 'present', at);
			if (present.length === 0) throw wrong(`${at}.present`, 'at least one variable');
			return {
				kind: 'environment',
				id: idOf(entry, at),
				present,
				jobKey: names(entry, 'jobKey', at),
				runId: name(entry, 'runId', at),
				repository: name(entry, 'repository', at),
				commit: name(entry, 'commit', at),
				workspace: name(entry, 'workspace', at),
			};
		}
		case 'command': {
			refuseOthers(entry, at, ['kind', 'id', 'binary', 'script', 'command']);
			const binary = names(entry, 'binary', at);
			if (binary.length === 0) throw wrong(`${at}.binary`, 'at least one file name');
			return {
				kind: 'command',
				id: idOf(entry, at),
				binary,
				script: names(entry, 'script', at),
				command: names(entry, 'command', at),
			};
		}
		default:
			throw wrong(`${at}.kind`, "'environment' or 'command'");
	}
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
	typeof value === 'object' && value !== null && !Array.isArray(value);

const wrong = (field: string, expected: string): CorrelateError =>
	new CorrelateError('bad-matcher', `${field}: expected ${expected}`);

function refuseOthers(entry: Record<string, unknown>, at: string, known: readonly string[]): void {
	for (const key of Object.keys(entry))
		if (!known.includes(key)) throw wrong(`${at}.${key}`, `one of ${known.join(', ')}`);
}

const idPattern = /^[a-z0-9][a-z0-9-]{0,63}$/;

function idOf(entry: Record<string, unknown>, at: string): string {
	const id = entry['id'];
	if (typeof id !== 'string' || !idPattern.test(id)) throw wrong(`${at}.id`, 'lower-case letters, digits, dashes');
	return id;
}

function name(entry: Record<string, unknown>, key: string, at: string): string {
	const value = entry[key] ?? '';
	if (typeof value !== 'string' || value.length > 256) throw wrong(`${at}.${key}`, 'a name of at most 256 characters');
	return value;
}

function names(entry: Record<string, unknown>, key: string, at: string): string[] {
	const value = entry[key] ?? [];
	const list = Array.isArray(value) ? value : [value];
	if (list.length > 64) throw wrong(`${at}.${key}`, 'at most 64 names');
	return list.map((item: unknown, index) => {
		if (typeof item !== 'string' || item === '' || item.length > 256)
			throw wrong(`${at}.${key}[${index}]`, 'a name of 1 to 256 characters');
		return item;
	});
}
