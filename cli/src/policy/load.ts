// Reads a policy from disk, whatever form it has: signed (DSSE), Witness's JSON, or a YAML source with files beside it.
import { dirname, resolve } from 'node:path';
import { type Envelope, parseEnvelope } from '@affidavit/attest/dsse.ts';
import { isObject } from '@affidavit/attest/statement.ts';
import { policyBytesMax, readBounded } from '../verify/inputs.ts';
import { placeOf } from './check-steps.ts';
import { parsePolicyJson } from './document.ts';
import {
	filesOf,
	type PolicySource,
	readSource,
	type SourceProblem,
	sourceBytesMax,
	sourceFilesMax,
	witnessPolicy,
} from './source.ts';

export type LoadedPolicy =
	| {
			kind: 'policy';
			form: 'signed' | 'json' | 'source';
			/** The policy's JSON: what is, or would be, signed. */
			payload: Buffer;
			value: unknown;
			/** Of a signed policy. */
			envelope: Envelope | null;
			/** Of a source: the file that a rule's text is in, by the rule's place. */
			ruleFiles: ReadonlyMap<string, string>;
	  }
	| { kind: 'invalid'; form: 'signed' | 'json' | 'source'; problems: SourceProblem[] };

/** Throws CliError (file-missing, file-unreadable, file-too-large), also for a file that the source names. */
export async function loadPolicy(path: string): Promise<LoadedPolicy> {
	const bytes = await readBounded(path, policyBytesMax);
	const text = bytes.toString('utf8');
	if (!/^\s*\{/.test(text)) return loadSource(path, text);
	const parsed = parsePolicyJson(text);
	if (parsed.kind === 'invalid') return invalid('json', [{ place: 'the file', message: parsed.reason }]);
	const { value } = parsed;
	// Witness's JSON of an envelope, or a Sigstore bundle that holds one.
	if (isObject(value) && value['payload'] === undefined && value['dsseEnvelope'] === undefined)
		return { kind: 'policy', form: 'json', payload: bytes, value, envelope: null, ruleFiles: new Map() };
	return loadSigned(bytes);
}

function loadSigned(bytes: Buffer): LoadedPolicy {
	const parsed = parseEnvelope(bytes);
	if (parsed.kind === 'invalid') return invalid('signed', [{ place: 'the file', message: parsed.reason }]);
	const payload = Buffer.from(parsed.envelope.payload);
	const json = parsePolicyJson(payload.toString('utf8'));
	if (json.kind === 'invalid') return invalid('signed', [{ place: 'payload', message: json.reason }]);
	const { value } = json;
	return { kind: 'policy', form: 'signed', payload, value, envelope: parsed.envelope, ruleFiles: new Map() };
}

async function loadSource(path: string, text: string): Promise<LoadedPolicy> {
	if (Buffer.byteLength(text) > sourceBytesMax)
		return invalid('source', [{ place: 'the file', message: `expected at most ${sourceBytesMax} bytes` }]);
	const read = readSource(text);
	if (read.kind === 'invalid') return invalid('source', read.problems);
	const names = filesOf(read.source);
	if (names.length > sourceFilesMax)
		return invalid('source', [{ place: 'the file', message: `names over ${sourceFilesMax} files` }]);
	const files = new Map<string, Buffer>();
	for (const name of names) files.set(name, await readBounded(resolve(dirname(path), name), sourceBytesMax));
	const value = witnessPolicy(read.source, files);
	const payload = Buffer.from(JSON.stringify(value), 'utf8');
	return { kind: 'policy', form: 'source', payload, value, envelope: null, ruleFiles: ruleFilesOf(read.source) };
}

function ruleFilesOf(source: PolicySource): Map<string, string> {
	const files = new Map<string, string>();
	for (const [id, { attestations, traces = [] }] of Object.entries(source.steps))
		for (const [list, entries] of Object.entries({ attestations, traces }))
			for (const [i, { regopolicies = [] }] of entries.entries())
				for (const [j, { file }] of regopolicies.entries())
					if (file !== undefined) files.set(`${placeOf({ id })}.${list}[${i}].regopolicies[${j}]`, file);
	return files;
}

const invalid = (form: 'signed' | 'json' | 'source', problems: SourceProblem[]): LoadedPolicy => ({
	kind: 'invalid',
	form,
	problems,
});
