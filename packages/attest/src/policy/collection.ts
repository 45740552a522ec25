// A payload read as go-witness reads one: a statement whose predicate is a collection of attestors of known types.
import type { Subject } from '../statement.ts';
import { quote } from '../statement.ts';
import type { Attestor, AttestorType } from './attestors/attestor.ts';
import { attestorType } from './attestors/registry.ts';
import { plainValue, reshape } from './go-json.ts';
import { Members, parseGoJson, plainObject } from './go-json-text.ts';
import { foldName, list, map, raw, struct, text, time } from './go-shape.ts';

export interface LoadedAttestation {
	/** As the collection declares it. */
	type: string;
	/** As the attestor calls itself: another one for bills of materials. */
	ownType: string;
	attestor: Attestor;
	about: AttestorType;
	/** False when it holds plain values only, so that nothing is to be done to them. */
	exact?: boolean;
}

export interface Collection {
	name: string;
	attestations: LoadedAttestation[];
}

export interface LoadedStatement {
	statementType: string;
	predicateType: string;
	subjects: Subject[];
	collection: Collection;
	/** The predicate's own field `affidavit`; undefined when there is none. */
	affidavit: unknown;
	/** What Go reads in another way than others, '' for nothing. */
	ambiguity: string;
}

export type StatementResult =
	| { kind: 'statement'; statement: LoadedStatement }
	| { kind: 'invalid'; reason: string; predicateType: string };

const statementShape = struct({
	_type: text,
	subject: list(struct({ name: text, digest: map(text) })),
	predicateType: text,
	predicate: raw,
});
const collectionShape = struct({ name: text, attestations: list(raw) });
const attestationShape = struct({ type: text, attestation: raw, starttime: time, endtime: time });

/** Most attestations of one collection. */
export const attestationsMax = 10_000;

export function loadStatement(payload: Uint8Array): StatementResult {
	const parsed = parseGoJson(payload);
	if (parsed.kind === 'invalid') return refused(`payload: ${parsed.reason}`);
	const outer = reshape(statementShape, parsed.value, 'statement');
	if (outer.kind === 'invalid') return refused(outer.reason);
	const {
		_type: statementType,
		subject,
		predicateType,
		predicate,
	} = outer.value as {
		_type: string;
		subject: { name: string; digest: Record<string, string> | null }[] | null;
		predicateType: string;
		predicate: unknown;
	};
	// Go tells a missing predicate from a null one.
	if (predicate === null && !hasField(parsed.value, 'predicate'))
		return refused('statement.predicate: expected a value, found nothing', predicateType);
	const inner = reshape(collectionShape, predicate, 'predicate');
	if (inner.kind === 'invalid') return refused(inner.reason, predicateType);
	const { name, attestations } = inner.value as { name: string; attestations: unknown[] | null };
	const all = attestations ?? [];
	if (all.length > attestationsMax)
		return refused(`predicate.attestations: expected at most ${attestationsMax}, found ${all.length}`, predicateType);
	let ambiguity = parsed.ambiguity || outer.ambiguity || inner.ambiguity;
	const loaded: LoadedAttestation[] = [];
	for (const [i, entry] of all.entries()) {
		const attestation = loadAttestation(entry, i, parsed.exact);
		if (attestation.kind === 'invalid') return refused(attestation.reason, predicateType);
		ambiguity ||= attestation.ambiguity;
		loaded.push(attestation.attestation);
	}
	const replaced = ambiguity === '' ? '' : wrongReplaced(predicate, parsed.exact);
	if (replaced !== '') return refused(replaced, predicateType);
	const subjects = (subject ?? []).map(({ name: of, digest }) => ({ name: of, digest: digest ?? {} }));
	const collection: Collection = { name, attestations: loaded };
	const affidavit = affidavitOf(predicate);
	return {
		kind: 'statement',
		statement: { statementType, predicateType, subjects, collection, affidavit, ambiguity },
	};
}

/** Go reads a list that a later one replaces as well, and refuses what is wrong in it. '' for nothing. */
function wrongReplaced(predicate: unknown, exact: boolean): string {
	for (const [key, value] of fieldsOf(predicate)) {
		if (foldName(key) !== 'attestations' || !Array.isArray(value)) continue;
		for (const [i, entry] of value.slice(0, attestationsMax).entries()) {
			const attestation = loadAttestation(entry, i, exact);
			if (attestation.kind === 'invalid') return attestation.reason;
		}
	}
	return '';
}

function fieldsOf(value: unknown): [string, unknown][] {
	if (typeof value !== 'object' || value === null) return [];
	return value instanceof Members ? value.keys.map((key, i) => [key, value.values[i]]) : Object.entries(value);
}

type AttestationResult =
	| { kind: 'attestation'; attestation: LoadedAttestation; ambiguity: string }
	| { kind: 'invalid'; reason: string };

function loadAttestation(entry: unknown, index: number, exact: boolean): AttestationResult {
	const place = `attestations[${index}]`;
	const outer = reshape(attestationShape, entry ?? {}, place);
	if (outer.kind === 'invalid') return outer;
	const { type, attestation } = outer.value as { type: string; attestation: unknown };
	const about = attestorType(type);
	if (about === undefined) return { kind: 'invalid', reason: `attestation not found: ${quote(type)} (${place}.type)` };
	// The real engine ends here too: by an error for nothing, by a crash for null.
	if (attestation === null || attestation === undefined)
		return { kind: 'invalid', reason: `${place}.attestation: expected a value, found null or nothing` };
	const inner = reshape(about.shape, attestation, `${place}.attestation`);
	if (inner.kind === 'invalid') return { kind: 'invalid', reason: `${inner.reason} (${type})` };
	const attestor = inner.value as Attestor;
	const ownType = about.ownType?.(attestor) ?? type;
	return {
		kind: 'attestation',
		attestation: { type, ownType, attestor, about, exact },
		ambiguity: outer.ambiguity || inner.ambiguity,
	};
}

/** The attestor as Rego sees it. */
export const regoInput = ({ attestor, exact }: LoadedAttestation): unknown =>
	exact === false ? attestor : plainValue(attestor, false);

function hasField(value: unknown, name: string): boolean {
	return fieldsOf(value).some(([key]) => foldName(key) === name);
}

function affidavitOf(predicate: unknown): unknown {
	if (typeof predicate !== 'object' || predicate === null) return undefined;
	const fields = predicate instanceof Members ? plainObject(predicate) : (predicate as Record<string, unknown>);
	return Object.hasOwn(fields, 'affidavit') ? plainValue(fields['affidavit'], true) : undefined;
}

const refused = (reason: string, predicateType = ''): StatementResult => ({ kind: 'invalid', reason, predicateType });
