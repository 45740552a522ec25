// The calls of a Confluent-compatible schema registry that we need, each with its outcomes.
import { StreamError } from '../errors.ts';
import { type Answer, createRegistryRequests, fieldOf, type RegistryConnection, reasonIn } from './request.ts';

export type Fetched =
	| { kind: 'schema'; schema: unknown }
	/** No schema of that id. */
	| { kind: 'absent' }
	/** There is one, and it is no Avro schema that could be ours. */
	| { kind: 'unusable' };

export interface RegistryClient {
	/**
	 * Id of the schema under the subject; given once for each text, so that a repeat changes nothing. Rejects with
	 * StreamError('refused') when the registry finds it incompatible with an older one.
	 */
	register(subject: string, schema: string): Promise<number>;
	/** Id of a schema that is registered already; null when it is not. */
	lookUp(subject: string, schema: string): Promise<number | null>;
	fetch(id: number): Promise<Fetched>;
	close(): Promise<void>;
}

/** The registry's codes for "no such subject, version, schema". */
const absentCodes: readonly unknown[] = [40401, 40402, 40403];
const idMax = 2 ** 31 - 1;

/** Throws RangeError for what can never work. Calls reject with StreamError: `unavailable` may be repeated, `refused` not. */
export function createRegistryClient(connection: RegistryConnection): RegistryClient {
	const { call, close } = createRegistryRequests(connection);
	return {
		register: async (subject, schema) => {
			const path = `subjects/${encodeURIComponent(subject)}/versions`;
			const answer = await call('POST', path, JSON.stringify({ schema }));
			if (answer.status === 409)
				throw new StreamError(
					'refused',
					`${subject}: the registry finds the schema incompatible with an older one: ${reasonIn(answer.body)}`,
				);
			return idIn(answer, path);
		},
		lookUp: async (subject, schema) => {
			const path = `subjects/${encodeURIComponent(subject)}`;
			const answer = await call('POST', path, JSON.stringify({ schema }));
			return isAbsent(answer) ? null : idIn(answer, path);
		},
		fetch: async (id) => {
			const path = `schemas/ids/${id}`;
			const answer = await call('GET', path);
			// Who asks is whoever wrote the id into a record: no answer about one may end the reader. All of ours are known since the opening.
			if (answer.status === 404) return { kind: 'absent' };
			if (answer.status !== 200 || answer.tooLong) return { kind: 'unusable' };
			const text = fieldOf(answer.body, 'schema');
			if (typeof text !== 'string') return { kind: 'unusable' };
			const kind = fieldOf(answer.body, 'schemaType') ?? 'AVRO';
			if (kind !== 'AVRO') return { kind: 'unusable' };
			try {
				return { kind: 'schema', schema: JSON.parse(text) };
			} catch {
				// A primitive may stand there as a bare name: none of ours is one.
				return { kind: 'unusable' };
			}
		},
		close,
	};
}

const isAbsent = ({ status, body }: Answer): boolean =>
	status === 404 && absentCodes.includes(fieldOf(body, 'error_code'));

function idIn(answer: Answer, path: string): number {
	const id = fieldOf(answer.body, 'id');
	if (answer.status === 200 && typeof id === 'number' && Number.isInteger(id) && id > 0 && id <= idMax) return id;
	throw unexpected(answer, path);
}

const unexpected = ({ status, body, tooLong }: Answer, path: string): StreamError =>
	new StreamError(
		'refused',
		`${path}: ${status} ${reasonIn(body) || (tooLong ? 'with too long a body' : 'with a body that is no answer of a schema registry')}`,
	);
