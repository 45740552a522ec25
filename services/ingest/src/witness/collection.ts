// A Witness collection as far as an import needs it: the trace, and what lies beside it in the same envelope.
import { readCommandRunV01 } from './command-run-v01.ts';
import { readCommandRunV02, usableTime } from './command-run-v02.ts';
import { digestOf, fieldOf, isObject, isPath, type JsonObject, textOf } from './fields.ts';
import type { Tally } from './tally.ts';
import type { Recorded } from './trace-record.ts';

/** Closed list; docs/errors.md explains each. */
export type WitnessImportCode = 'not-a-collection' | 'no-trace';

export interface WitnessTrace {
	/** Name of the collection: the step. */
	step: string;
	recorded: Recorded;
	/** Of the command-run, microseconds since 1970; -1 not told. */
	startUs: number;
	endUs: number;
	/** Made by Affidavit: its digests were judged once, and the collection does not say how each was got. */
	own: boolean;
	/** Path from the working folder → sha256, before the command ran; null without a material attestor. */
	materials: ReadonlyMap<string, string> | null;
	/** Path from the working folder → sha256 ('' none): made or changed by the command. */
	products: ReadonlyMap<string, string>;
	/** Materials and products without a sha256. */
	undigested: number;
	commit: string;
	remotes: readonly string[];
	hostname: string;
	/** Alternating name and value. */
	environment: readonly string[];
}

export type WitnessReading =
	| { kind: 'trace'; trace: WitnessTrace }
	| { kind: 'refused'; code: WitnessImportCode; reason: string };

const collectionTypes: ReadonlySet<string> = new Set([
	'https://witness.testifysec.com/attestation-collection/v0.1',
	'https://witness.dev/attestation-collection/v0.1',
	'https://aflock.ai/attestation-collection/v0.1',
]);

const attestationType = (name: string): string => `https://witness.dev/attestations/${name}`;

/** Attestors of one collection that are looked at. */
const attestorsMax = 1_000;
/** Materials or products kept. */
const listedFilesMax = 500_000;
const variablesMax = 10_000;
const remotesMax = 16;

interface Attestor {
	type: string;
	body: JsonObject;
	entry: JsonObject;
}

export function readWitnessTrace(predicateType: string, predicate: unknown, tally: Tally): WitnessReading {
	if (!collectionTypes.has(predicateType))
		return refused('not-a-collection', `predicateType: expected a Witness collection, found ${shown(predicateType)}`);
	const listed = isObject(predicate) ? fieldOf(predicate, 'attestations') : undefined;
	if (!isObject(predicate) || !Array.isArray(listed))
		return refused('not-a-collection', 'predicate.attestations: expected an array');
	const attestors = attestorsOf(listed);
	if (listed.length > attestorsMax) tally.add('over_limit', listed.length - attestorsMax);
	const own = isObject(fieldOf(predicate, 'affidavit'));
	let found: { recorded: Recorded; run: Attestor } | null = null;
	for (const run of attestors) {
		if (found !== null && isCommandRun(run)) {
			if (holdsTrace(run)) tally.add('other_traces');
			continue;
		}
		const recorded = readCommandRun(run, own, tally);
		if (recorded !== null) found = { recorded, run };
	}
	if (found === null) return refused('no-trace', noTraceReason(attestors));
	const body = (name: string): JsonObject | null =>
		attestors.find((a) => a.type === attestationType(`${name}/v0.1`))?.body ?? null;
	const materials = filesOf(body('material'), (value) => value);
	const products = filesOf(body('product'), (value) => (isObject(value) ? fieldOf(value, 'digest') : undefined));
	const git = body('git');
	const environment = body('environment');
	return {
		kind: 'trace',
		trace: {
			step: textOf(fieldOf(predicate, 'name')).slice(0, 200),
			recorded: found.recorded,
			startUs: usableTime(fieldOf(found.run.entry, 'starttime'), tally),
			endUs: usableTime(fieldOf(found.run.entry, 'endtime'), tally),
			own,
			materials: materials === null ? null : withDigest(materials.files),
			products: products?.files ?? new Map(),
			undigested: (materials?.undigested ?? 0) + (products?.undigested ?? 0),
			commit: git === null ? '' : textOf(fieldOf(git, 'commithash')),
			remotes: git === null ? [] : textsOf(fieldOf(git, 'remotes'), remotesMax),
			hostname: environment === null ? '' : textOf(fieldOf(environment, 'hostname')),
			environment: environment === null ? [] : variablesOf(fieldOf(environment, 'variables')),
		},
	};
}

const isCommandRun = ({ type }: Attestor): boolean =>
	type === attestationType('command-run/v0.1') || type === attestationType('command-run/v0.2');

function readCommandRun(run: Attestor, own: boolean, tally: Tally): Recorded | null {
	switch (run.type) {
		case attestationType('command-run/v0.1'):
			return readCommandRunV01(run.body, own, tally);
		case attestationType('command-run/v0.2'):
			return readCommandRunV02(run.body, tally);
		default:
			return null;
	}
}

const holdsTrace = ({ body }: Attestor): boolean => {
	const processes = fieldOf(body, 'processes');
	return (Array.isArray(processes) && processes.length > 0) || isObject(fieldOf(body, 'files'));
};

function attestorsOf(listed: readonly unknown[]): Attestor[] {
	const attestors: Attestor[] = [];
	for (const entry of listed.slice(0, attestorsMax)) {
		const body = isObject(entry) ? fieldOf(entry, 'attestation') : undefined;
		if (isObject(entry) && isObject(body)) attestors.push({ type: textOf(fieldOf(entry, 'type')), body, entry });
	}
	return attestors;
}

const noTraceReason = (attestors: readonly Attestor[]): string =>
	attestors.some(isCommandRun)
		? 'its command-run holds no trace: the command was run without --trace'
		: 'it holds no command-run attestation';

function filesOf(
	body: JsonObject | null,
	digestSet: (value: unknown) => unknown,
): { files: Map<string, string>; undigested: number } | null {
	if (body === null) return null;
	const files = new Map<string, string>();
	let undigested = 0;
	for (const path of Object.keys(body)) {
		const digest = digestOf(digestSet(body[path]));
		if (digest.kind !== 'digest' || !isPath(path) || files.size >= listedFilesMax) undigested++;
		if (isPath(path) && files.size < listedFilesMax)
			files.set(path.startsWith('./') ? path.slice(2) : path, digest.kind === 'digest' ? digest.sha256 : '');
	}
	return { files, undigested };
}

const withDigest = (files: ReadonlyMap<string, string>): Map<string, string> =>
	new Map([...files].filter(([, sha256]) => sha256 !== ''));

const textsOf = (value: unknown, max: number): string[] =>
	Array.isArray(value) ? value.slice(0, max).filter((text): text is string => typeof text === 'string') : [];

function variablesOf(value: unknown): string[] {
	if (!isObject(value)) return [];
	const pairs: string[] = [];
	for (const name of Object.keys(value).slice(0, variablesMax)) {
		const text = value[name];
		if (typeof text === 'string') pairs.push(name, text);
	}
	return pairs;
}

const refused = (code: WitnessImportCode, reason: string): WitnessReading => ({ kind: 'refused', code, reason });
const shown = (text: string): string => JSON.stringify(text.slice(0, 120));
