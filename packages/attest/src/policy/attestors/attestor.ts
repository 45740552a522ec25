// What the engine knows of one attestation type of go-witness 0.12: the shape of its Go struct, and what it gives to the
// search and to artifactsFrom. Functions take the attestor as Go writes it (go-json.ts).
import { createHash } from 'node:crypto';
import type { DigestSet } from '../digest-set.ts';
import type { Shape } from '../go-shape.ts';

/** What an attestor is after reshaping. */
export type Attestor = Readonly<Record<string, unknown>>;

/** Subject without its type's prefix (file:app, commithash:...) → digests. */
export type Subjects = Map<string, DigestSet>;

export interface AttestorType {
	/** Every URI that it is registered under. */
	types: readonly string[];
	shape: Shape;
	/** Fields, as paths, whose Go shape is not known here: their JSON goes through as it stands. Empty: exact. */
	unknown: readonly string[];
	/** Path → digests. */
	materials?(attestor: Attestor): Readonly<Record<string, DigestSet>>;
	/** Path → product. */
	products?(attestor: Attestor): Readonly<Record<string, { mime_type: string; digest: DigestSet }>>;
	/** Null: not to be told from the attestation (Go computes them from what it does not write). Absent: none. */
	subjects?: ((attestor: Attestor) => Subjects) | null;
	/** Prefixes of those subjects that are what the step made. */
	productPrefixes?: readonly string[];
	backReferences?(attestor: Attestor): Subjects;
	/** Why Go cannot write this attestor for Rego, '' when it can. */
	unwritable?(attestor: Attestor): string;
	/** The type that it calls itself, where that depends on its content. */
	ownType?(attestor: unknown): string;
}

/** The digest of a name, as go-witness makes subjects of texts. */
export const digestOfText = (text: string): DigestSet => ({ sha256: createHash('sha256').update(text).digest('hex') });

export const textOf = (attestor: Attestor, field: string): string => {
	const value = attestor[field];
	return typeof value === 'string' ? value : '';
};

export const listOf = (attestor: Attestor, field: string): readonly unknown[] => {
	const value = attestor[field];
	return Array.isArray(value) ? value : [];
};

export const digestsOf = (attestor: Attestor, field: string): DigestSet =>
	(attestor[field] as DigestSet | undefined) ?? {};

/** `<name>:<value>` with the digest of the value, for each [name, field]. */
export function textSubjects(attestor: Attestor, names: readonly (readonly [name: string, field: string])[]): Subjects {
	const subjects: Subjects = new Map();
	for (const [name, field] of names) {
		const value = textOf(attestor, field);
		subjects.set(`${name}:${value}`, digestOfText(value));
	}
	return subjects;
}
