// A place in a program that reads below some value, and the name of what it did not find there.
import { callerSlot, callSlot } from '../compile/ir.ts';
import type { Place } from '../errors.ts';
import { isSet, RegoMap, type Value } from '../value/value.ts';
import { spend } from '../value/work.ts';
import { missesMax } from './limits.ts';
import { costs, type Frame, type Get, type Machine } from './machine.ts';
import { addMiss, type Miss, noMisses } from './misses.ts';

/** What the keys of a path are counted from. */
export type Origin =
	| { kind: 'input' }
	/** A function's argument: what it is called with knows where it comes from. */
	| { kind: 'argument'; index: number; slot: number }
	/** Known by identity only. */
	| { kind: 'value'; base: Get };

export type PathKey = { kind: 'constant'; key: Value } | { kind: 'variable'; get: Get };

export interface ReadSite {
	origin: Origin;
	keys: PathKey[];
	place: Place;
}

/** What a call's arguments are read from; in the frame of the function that is called. */
export interface CallSite {
	args: ReadSite[];
}

/** `general` has * for keys that vary. */
interface PathText {
	general: string;
	example: string;
}

const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Longer keys are cut, and so are paths of more keys, where the program does not name them. */
const keyShownMax = 200;
const keysShownMax = 64;

function keyText(key: Value): string {
	if (typeof key !== 'string') return `[${shown(key)}]`;
	if (key.length > keyShownMax) return `[${JSON.stringify(`${key.slice(0, keyShownMax)}...`)}]`;
	return identifier.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

const shown = (key: Value): string => (typeof key === 'object' && key !== null ? '...' : String(key));

/** The read of the site's key number `index` found nothing in `container`. */
export function reportMiss(m: Machine, f: Frame, site: ReadSite, index: number, container: Value): undefined {
	const isInput = site.origin.kind === 'input';
	// Sets and objects that rules made are no part of the input.
	if (!isInput && (container instanceof RegoMap || isSet(container))) return undefined;
	spend(costs.knownMiss);
	const known = isInput ? m.siteMisses.get(site)?.[index + 1] : undefined;
	const tally = known === undefined ? undefined : m.misses?.[0]?.get(known);
	if (tally !== undefined) {
		tally.count++;
		return undefined;
	}
	spend(costs.miss);
	const path = describe(m, f, site, index + 1);
	if (path === null) return undefined;
	const { module, row } = site.place;
	const miss = record(m, { kind: 'read', subject: path.general, module, row }, path.example);
	// Of an argument or a value, the next read may be of another path.
	if (isInput) keepMiss(m, site, index + 1, miss);
	return undefined;
}

function keepMiss({ siteMisses }: Machine, site: ReadSite, count: number, miss: Miss): void {
	const misses = siteMisses.get(site) ?? [];
	misses[count] = miss;
	siteMisses.set(site, misses);
}

export function record(m: Machine, found: Miss, example: string): Miss {
	const miss = missKind(m, found);
	m.misses ??= noMisses();
	const tally = m.misses[0]?.get(miss);
	if (tally === undefined) addMiss(m.misses, miss, example);
	else tally.count++;
	return miss;
}

/** The one of this place and path. */
function missKind(m: Machine, found: Miss): Miss {
	const place = `${found.module}\n${found.row}\n${found.kind}\n`;
	let miss = m.missKinds.get(place + found.subject);
	if (miss === undefined) {
		// Beyond the bound, one for all of the statement: still told, no longer apart.
		const full = m.missKinds.size >= missesMax;
		const key = full ? place : place + found.subject;
		miss = m.missKinds.get(key) ?? (full ? { ...found, subject: 'input (further paths)' } : found);
		m.missKinds.set(key, miss);
	}
	return miss;
}

/** Path of the site's first `count` keys; null where it is not below input. */
function describe(m: Machine, f: Frame, site: ReadSite, count: number): PathText | null {
	const start = describeOrigin(m, f, site.origin);
	if (start === null) return null;
	let { general, example } = start;
	spend(count + 1);
	for (let i = 0; i < count; i++) {
		const part = site.keys[i] as PathKey;
		if (part.kind === 'constant') {
			const text = keyText(part.key);
			general += text;
			example += text;
			continue;
		}
		const key = part.get(m, f);
		general += '[*]';
		example += key === undefined ? '[*]' : keyText(key);
	}
	return { general, example };
}

function describeOrigin(m: Machine, f: Frame, origin: Origin): PathText | null {
	switch (origin.kind) {
		case 'input':
			return { general: 'input', example: 'input' };
		case 'argument': {
			const caller = f[callerSlot] as unknown as Frame | undefined;
			const site = (f[callSlot] as unknown as CallSite | undefined)?.args[origin.index];
			const known = caller === undefined || site === undefined ? null : describe(m, caller, site, site.keys.length);
			return known ?? describeValue(m, f[origin.slot]);
		}
		case 'value':
			return describeValue(m, origin.base(m, f));
		default:
			return origin satisfies never;
	}
}

function describeValue(m: Machine, value: Value | undefined): PathText | null {
	const path = value === undefined ? null : m.inputPaths.find(value);
	if (path === null) return null;
	const text: PathText = { general: 'input', example: 'input' };
	for (const { parent, key } of path.slice(0, keysShownMax)) {
		const part = keyText(key);
		const varies = typeof key === 'number' || (parent !== null && m.iterated.has(parent));
		text.general += varies ? '[*]' : part;
		text.example += part;
	}
	return text;
}
