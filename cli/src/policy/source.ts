// The source of a policy: YAML with Witness's own field names, keys, certificates and Rego as text or in files beside it.
import { isObject } from '@affidavit/attest/statement.ts';
import { z } from 'zod';
import { readYaml } from './yaml-text.ts';

/** Largest source, bytes; a policy is read by people. */
export const sourceBytesMax = 1024 * 1024;
/** Files that one source may name. */
export const sourceFilesMax = 1_000;

/** PEM text, or the name of a file that holds it (relative to the source). */
const pem = z.string().min(1);

const root = z.strictObject({ certificate: pem, intermediates: z.array(pem).optional() });

const certConstraint = z.strictObject({
	commonname: z.string().optional(),
	dnsnames: z.array(z.string()).optional(),
	emails: z.array(z.string()).optional(),
	organizations: z.array(z.string()).optional(),
	uris: z.array(z.string()).optional(),
	roots: z.array(z.string()).optional(),
	extensions: z.record(z.string(), z.string()).optional(),
});

const functionary = z.discriminatedUnion('type', [
	z.strictObject({ type: z.literal('publickey'), publickeyid: z.string().min(1) }),
	z.strictObject({ type: z.literal('root'), certConstraint }),
]);

const regoPolicy = z
	.strictObject({
		name: z.string().min(1).optional(),
		/** A file beside the source. */
		file: z.string().min(1).optional(),
		/** The module itself. */
		module: z.string().min(1).optional(),
		required: z.boolean().optional(),
	})
	.refine((rule) => (rule.file === undefined) !== (rule.module === undefined), 'expected either file or module')
	.refine(
		(rule) => rule.name !== undefined || rule.file !== undefined,
		'expected a name where the module is given as text',
	);

const attestation = z.strictObject({ type: z.string(), regopolicies: z.array(regoPolicy).optional() });

const step = z.strictObject({
	name: z.string().optional(),
	functionaries: z.array(functionary),
	attestations: z.array(attestation),
	/** Ours; Witness ignores it. */
	traces: z.array(attestation).optional(),
	artifactsFrom: z.array(z.string()).optional(),
});

const sourceSchema = z.strictObject({
	expires: z.string(),
	/** By key id. */
	publickeys: z.record(z.string(), pem).optional(),
	roots: z.record(z.string(), root).optional(),
	timestampauthorities: z.record(z.string(), root).optional(),
	steps: z.record(z.string(), step),
});

export type PolicySource = z.output<typeof sourceSchema>;
type SourceAttestation = z.output<typeof attestation>;

export interface SourceProblem {
	/** steps.build.attestations[0].type, or a line of the file. */
	place: string;
	message: string;
}

export type ReadSource = { kind: 'source'; source: PolicySource } | { kind: 'invalid'; problems: SourceProblem[] };

export function readSource(text: string): ReadSource {
	const read = readYaml(text);
	if (read.kind === 'invalid') return { kind: 'invalid', problems: [{ place: read.place, message: read.message }] };
	// A key or a text that is no policy at all: YAML takes it for one long string.
	if (!isObject(read.value))
		return {
			kind: 'invalid',
			problems: [{ place: 'the file', message: "expected a signed policy, Witness's JSON, or a YAML source" }],
		};
	const parsed = sourceSchema.safeParse(read.value);
	if (parsed.success) return { kind: 'source', source: parsed.data };
	return {
		kind: 'invalid',
		problems: parsed.error.issues.map(({ path, message }) => ({ place: placeOf(path), message })),
	};
}

const placeOf = (path: readonly PropertyKey[]): string =>
	path.reduce<string>(
		(place, key) =>
			typeof key === 'number' ? `${place}[${key}]` : place === '' ? String(key) : `${place}.${String(key)}`,
		'',
	) || 'the file';

const isPem = (text: string): boolean => text.includes('-----BEGIN ');

/** The files that the source names, each once. */
export function filesOf(source: PolicySource): string[] {
	const files = new Set<string>();
	const add = (text: string): void => {
		if (!isPem(text)) files.add(text);
	};
	for (const text of Object.values(source.publickeys ?? {})) add(text);
	for (const roots of [source.roots, source.timestampauthorities])
		for (const { certificate, intermediates } of Object.values(roots ?? {}))
			[certificate, ...(intermediates ?? [])].forEach(add);
	for (const { attestations, traces } of Object.values(source.steps))
		for (const { regopolicies } of [...attestations, ...(traces ?? [])])
			for (const { file } of regopolicies ?? []) if (file !== undefined) files.add(file);
	return [...files];
}

/** Witness's JSON value of the source, in the source's order. `files`: the content of each of `filesOf`. */
export function witnessPolicy(source: PolicySource, files: ReadonlyMap<string, Buffer>): Record<string, unknown> {
	const bytes = (text: string): string =>
		(isPem(text) ? Buffer.from(text, 'utf8') : contentOf(text, files)).toString('base64');
	const rootsOf = (roots: PolicySource['roots']): Record<string, unknown> | undefined =>
		roots &&
		mapValues(roots, ({ certificate, intermediates }) => ({
			certificate: bytes(certificate),
			...(intermediates === undefined ? {} : { intermediates: intermediates.map(bytes) }),
		}));
	const witnessAttestation = ({ type, regopolicies }: SourceAttestation): Record<string, unknown> => ({
		type,
		regopolicies: (regopolicies ?? []).map(({ name, file, module, required }) => ({
			name: name ?? file,
			module: (file === undefined ? Buffer.from(module ?? '', 'utf8') : contentOf(file, files)).toString('base64'),
			...(required === undefined ? {} : { required }),
		})),
	});
	const { publickeys, roots, timestampauthorities, steps } = source;
	return {
		expires: source.expires,
		...(publickeys && { publickeys: mapValues(publickeys, (text, keyid) => ({ keyid, key: bytes(text) })) }),
		...(roots && { roots: rootsOf(roots) }),
		...(timestampauthorities && { timestampauthorities: rootsOf(timestampauthorities) }),
		steps: mapValues(steps, (found, id) => ({
			name: found.name ?? id,
			functionaries: found.functionaries,
			attestations: found.attestations.map(witnessAttestation),
			...(found.traces === undefined ? {} : { traces: found.traces.map(witnessAttestation) }),
			...(found.artifactsFrom === undefined ? {} : { artifactsFrom: found.artifactsFrom }),
		})),
	};
}

function contentOf(file: string, files: ReadonlyMap<string, Buffer>): Buffer {
	const content = files.get(file);
	if (!content) throw new TypeError(`witnessPolicy: expected the content of ${file}`);
	return content;
}

/** Null prototype: a step may be called __proto__. */
function mapValues<V, W>(map: Readonly<Record<string, V>>, to: (value: V, key: string) => W): Record<string, W> {
	const out: Record<string, W> = Object.create(null) as Record<string, W>;
	for (const [key, value] of Object.entries(map)) out[key] = to(value, key);
	return out;
}
