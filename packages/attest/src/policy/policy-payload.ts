// The payload of a policy, read as go-witness reads it; every refusal names its field.
import { sha256Hex } from '@affidavit/model/digests.ts';
import { parseVerifierKey } from '../keys.ts';
import { quote } from '../statement.ts';
import { fulcioNames } from '../x509/fulcio.ts';
import { parseCertificatePem } from '../x509/parse.ts';
import type { CertificateConstraint } from './constraints.ts';
import { compileGlob } from './glob.ts';
import { reshape } from './go-json.ts';
import { parseGoJson } from './go-json-text.ts';
import { bytes, list, map, raw, struct, text } from './go-shape.ts';
import type {
	Functionary,
	Policy,
	PolicyModule,
	PolicyProblem,
	PolicyStep,
	RequiredAttestation,
	TrustBundle,
} from './policy-model.ts';
import type { PolicyMode } from './result.ts';
import { parseRfc3339, zeroTime } from './rfc3339.ts';
import { circularStep } from './step-circles.ts';

export type PolicyReading = { kind: 'policy'; policy: Policy } | { kind: 'refused'; problems: PolicyProblem[] };

/** Largest policy that is read, bytes; most entries of any of its lists and maps; largest Rego module, bytes. */
export const policyBytesMax = 16 * 1024 * 1024;
export const policyItemsMax = 1_000;
export const moduleBytesMax = 1024 * 1024;

const rootShape = struct({ certificate: bytes, 'intermediates?': list(bytes) });
const extensionsShape = struct(Object.fromEntries(fulcioNames.map((name) => [name, text])), true);
const constraintShape = struct({
	commonname: text,
	dnsnames: list(text),
	emails: list(text),
	organizations: list(text),
	uris: list(text),
	roots: list(text),
	extensions: extensionsShape,
});
const functionaryShape = struct({ type: text, certConstraint: constraintShape, publickeyid: text });
// `required` is ours: the real engine passes over it.
const moduleShape = struct({ module: bytes, name: text, required: raw });
const stepShape = struct({
	name: text,
	functionaries: list(functionaryShape),
	attestations: list(struct({ type: text, regopolicies: list(moduleShape) })),
	artifactsFrom: list(text),
	// Ours, of the command: here only so that another casing of it is no other field.
	traces: raw,
});
const policyShape = struct({
	expires: raw,
	roots: map(rootShape),
	timestampauthorities: map(rootShape),
	publickeys: map(struct({ keyid: text, key: bytes })),
	steps: map(stepShape),
});

type Base64 = string | null;

interface RawRoot {
	certificate: Base64;
	intermediates?: Base64[];
}

interface RawConstraint {
	commonname: string;
	dnsnames: string[] | null;
	emails: string[] | null;
	organizations: string[] | null;
	uris: string[] | null;
	roots: string[] | null;
	extensions: Record<string, string>;
}

interface RawStep {
	name: string;
	functionaries: { type: string; certConstraint: RawConstraint; publickeyid: string }[] | null;
	attestations: { type: string; regopolicies: { module: Base64; name: string; required: unknown }[] | null }[] | null;
	artifactsFrom: string[] | null;
}

interface RawPolicy {
	expires: unknown;
	roots: Record<string, RawRoot> | null;
	timestampauthorities: Record<string, RawRoot> | null;
	publickeys: Record<string, { keyid: string; key: Base64 }> | null;
	steps: Record<string, RawStep> | null;
}

/** Reads a policy without asking who signed it, or whether it has expired. */
export function readPolicyPayload(payload: Uint8Array, mode: PolicyMode): PolicyReading {
	if (payload.length > policyBytesMax)
		return refused('', `expected at most ${policyBytesMax} bytes, found ${payload.length}`);
	const parsed = parseGoJson(payload);
	if (parsed.kind === 'invalid') return refused('', parsed.reason);
	const shaped = reshape(policyShape, parsed.value, 'policy');
	if (shaped.kind === 'invalid') return refused('', shaped.reason);
	const problems: PolicyProblem[] = [];
	const ambiguity = parsed.ambiguity || shaped.ambiguity;
	if (ambiguity !== '' && mode === 'strict') problems.push({ field: '', message: ambiguity, trap: 'ambiguous-json' });
	const source = shaped.value as RawPolicy;
	const expires = readExpiry(source.expires, problems);
	const { keys, unusableKeys } = readKeys(source.publickeys, mode, problems);
	const policy: Policy = {
		sha256: sha256Hex(payload),
		expires: expires.text,
		expiresMs: expires.ms,
		keys,
		unusableKeys,
		roots: readBundles('roots', source.roots, problems),
		timestampAuthorities: readBundles('timestampauthorities', source.timestampauthorities, problems),
		steps: readSteps(source.steps, problems),
	};
	if (problems.length === 0 && mode === 'strict') problems.push(...circles(policy.steps));
	return problems.length > 0 ? { kind: 'refused', problems } : { kind: 'policy', policy };
}

function circles(steps: readonly PolicyStep[]): PolicyProblem[] {
	const name = circularStep(steps);
	if (name === null) return [];
	const message = 'leads round in a circle, so that the materials may come from anywhere';
	return [{ field: `${place('steps', name)}.artifactsFrom`, message, trap: 'artifacts-from-unlinked' }];
}

function readExpiry(value: unknown, problems: PolicyProblem[]): { text: string; ms: number } {
	const given = value === null ? zeroTime : value;
	const time = typeof given === 'string' ? parseRfc3339(given, false) : null;
	if (time) return time;
	problems.push({ field: 'expires', message: `expected a time (RFC 3339), found ${shown(given)}` });
	return { text: '', ms: Number.NaN };
}

function readKeys(
	source: RawPolicy['publickeys'],
	mode: PolicyMode,
	problems: PolicyProblem[],
): { keys: Policy['keys']; unusableKeys: string[] } {
	const keys: Policy['keys'] = [];
	const unusableKeys: string[] = [];
	for (const [id, { keyid, key }] of entriesOf('publickeys', source, problems)) {
		const field = place('publickeys', id);
		const name = `${field}.key`;
		const parsed = parseVerifierKey(decoded(key), name, true);
		if (parsed.kind === 'invalid') problems.push({ field: '', message: parsed.reason });
		else if (parsed.keyId !== keyid) {
			const message = `public key in policy has expected key id ${shown(keyid)} but got ${parsed.keyId}`;
			problems.push({ field: `${field}.keyid`, message });
		} else if (mode === 'strict' && parseVerifierKey(decoded(key), name).kind === 'invalid')
			problems.push({
				field: name,
				message: 'a key that is too short: P-224, or RSA below 2048 bits',
				trap: 'weak-key',
			});
		else if (parsed.kind === 'key') keys.push({ key: parsed.key, keyId: parsed.keyId });
		else unusableKeys.push(keyid);
	}
	return { keys, unusableKeys };
}

function readBundles(name: string, source: RawPolicy['roots'], problems: PolicyProblem[]): TrustBundle[] {
	const bundles: TrustBundle[] = [];
	for (const [id, { certificate, intermediates = [] }] of entriesOf(name, source, problems)) {
		const field = place(name, id);
		const root = parseCertificatePem(decoded(certificate));
		if (root.kind === 'invalid') {
			problems.push({ field: `${field}.certificate`, message: root.reason });
			continue;
		}
		const bundle: TrustBundle = { id, certificate: root.certificate, intermediates: [] };
		for (const [i, encoded] of bounded(`${field}.intermediates`, intermediates, problems).entries()) {
			const parsed = parseCertificatePem(decoded(encoded));
			if (parsed.kind === 'certificate') bundle.intermediates.push(parsed.certificate);
			else problems.push({ field: `${field}.intermediates[${i}]`, message: parsed.reason });
		}
		bundles.push(bundle);
	}
	return bundles;
}

function readSteps(source: RawPolicy['steps'], problems: PolicyProblem[]): PolicyStep[] {
	const steps: PolicyStep[] = [];
	for (const [key, step] of entriesOf('steps', source, problems)) {
		const field = place('steps', key);
		// The real engine searches by one and compares with the other, so that the step never passes.
		if (step.name !== key)
			problems.push({ field: `${field}.name`, message: `expected ${shown(key)}, found ${shown(step.name)}` });
		const artifactsFrom = bounded(`${field}.artifactsFrom`, step.artifactsFrom ?? [], problems);
		for (const [i, from] of artifactsFrom.entries())
			if (!Object.hasOwn(source ?? {}, from))
				problems.push({ field: `${field}.artifactsFrom[${i}]`, message: `policy has no step named ${shown(from)}` });
		const functionaries = bounded(`${field}.functionaries`, step.functionaries ?? [], problems);
		const attestations = bounded(`${field}.attestations`, step.attestations ?? [], problems);
		steps.push({
			name: key,
			functionaries: functionaries.map((f, i) => readFunctionary(`${field}.functionaries[${i}]`, f, problems)),
			attestations: attestations.map((a, i) => readAttestation(`${field}.attestations[${i}]`, a, problems)),
			artifactsFrom,
		});
	}
	return steps;
}

function readFunctionary(
	field: string,
	{ type, publickeyid, certConstraint }: NonNullable<RawStep['functionaries']>[number],
	problems: PolicyProblem[],
): Functionary {
	const at = `${field}.certConstraint`;
	const names = (name: string, values: string[] | null): string[] => bounded(`${at}.${name}`, values ?? [], problems);
	const extensions: CertificateConstraint['extensions'] = [];
	for (const name of fulcioNames) {
		const pattern = certConstraint.extensions[name] ?? '';
		if (pattern === '') continue;
		const glob = compileGlob(pattern);
		if (glob) extensions.push({ name, pattern, glob });
		else problems.push({ field: `${at}.extensions.${name}`, message: `${shown(pattern)} is no glob` });
	}
	const constraint: CertificateConstraint = {
		commonName: certConstraint.commonname,
		dnsNames: names('dnsnames', certConstraint.dnsnames),
		emails: names('emails', certConstraint.emails),
		organizations: names('organizations', certConstraint.organizations),
		uris: names('uris', certConstraint.uris),
		roots: names('roots', certConstraint.roots),
		extensions,
	};
	return { type, publicKeyId: publickeyid, constraint };
}

function readAttestation(
	field: string,
	{ type, regopolicies }: NonNullable<RawStep['attestations']>[number],
	problems: PolicyProblem[],
): RequiredAttestation {
	const rego: PolicyModule[] = [];
	for (const [i, { name, module, required }] of bounded(
		`${field}.regopolicies`,
		regopolicies ?? [],
		problems,
	).entries()) {
		const source = decoded(module);
		const at = `${field}.regopolicies[${i}]`;
		if (source.length > moduleBytesMax)
			problems.push({
				field: `${at}.module`,
				message: `expected at most ${moduleBytesMax} bytes, found ${source.length}`,
			});
		else if (required !== null && typeof required !== 'boolean')
			problems.push({ field: `${at}.required`, message: `expected true or false, found ${shown(required)}` });
		else rego.push({ name, text: source.toString('utf8'), required: required ?? undefined });
	}
	return { type, rego };
}

function entriesOf<T>(field: string, source: Record<string, T> | null, problems: PolicyProblem[]): [string, T][] {
	return bounded(field, Object.entries(source ?? {}), problems);
}

function bounded<T>(field: string, items: T[], problems: PolicyProblem[]): T[] {
	if (items.length <= policyItemsMax) return items;
	problems.push({ field, message: `expected at most ${policyItemsMax} entries, found ${items.length}` });
	return [];
}

const decoded = (base64: Base64): Buffer => Buffer.from(base64 ?? '', 'base64');

const place = (field: string, id: string): string =>
	/^[\w-]{1,80}$/.test(id) ? `${field}.${id}` : `${field}[${quote(id)}]`;

const shown = (value: unknown): string =>
	typeof value === 'string'
		? quote(value)
		: value === null || typeof value !== 'object'
			? String(value)
			: `an ${Array.isArray(value) ? 'array' : 'object'}`;

const refused = (field: string, message: string): PolicyReading => ({
	kind: 'refused',
	problems: [{ field, message }],
});
