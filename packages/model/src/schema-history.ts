// Every schema that ever wrote a record, oldest first: schemas/history. Frozen: a version's id and text never change.
import { readFileSync } from 'node:fs';

/** Name of a schema: schemas/NAME.avsc. */
export type Subject =
	| 'attestation'
	| 'deadletter'
	| 'finding'
	| 'host'
	| 'indicator'
	| 'session'
	| 'signed-batch'
	| 'trace'
	| 'verdict';

export interface SchemaVersion {
	/** What a frame carries; from 1, given once. */
	id: number;
	subject: Subject;
	/** From 1 in each subject. */
	version: number;
	/** sha256 (hex) of the schema's Parsing Canonical Form. */
	fingerprint: string;
}

const folder = new URL('../../../schemas/', import.meta.url);

const readJson = (path: string): unknown => JSON.parse(readFileSync(new URL(path, folder), 'utf8'));

export const schemaVersions: readonly SchemaVersion[] = readJson('history/history.json') as SchemaVersion[];

const byId = new Map(schemaVersions.map((v) => [v.id, v]));

export const schemaVersionOf = (id: number): SchemaVersion | undefined => byId.get(id);

/** Versions of one schema, oldest first; the last is the one in force. */
export const versionsOf = (subject: Subject): SchemaVersion[] => schemaVersions.filter((v) => v.subject === subject);

/** The schema in force, as schemas/SUBJECT.avsc has it. */
export const currentSchema = (subject: Subject): unknown => readJson(`${subject}.avsc`);

/** A frozen schema's JSON. */
export const frozenSchema = ({ subject, version }: SchemaVersion): unknown =>
	readJson(`history/${subject}.${version}.avsc`);

export const schemaName = ({ subject, version }: SchemaVersion): string => `${subject} version ${version}`;
