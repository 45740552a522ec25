// One call of a schema registry's HTTP API: bounded in time and bytes, repeated where that can help.
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, type Dispatcher, request } from 'undici';
import { StreamError } from '../errors.ts';
import type { Emit } from '../internal-event.ts';

export interface RegistryConnection {
	/** http or https; a path before the API's is kept. */
	url: string;
	auth?: { kind: 'basic'; username: string; password: string } | { kind: 'bearer'; token: () => Promise<string> };
	/** PEM texts. Without `ca` the system's authorities are trusted. */
	tls?: { ca?: string; cert?: string; key?: string; serverName?: string };
	/** One try, from the connection to the last byte, milliseconds. Default 10,000. */
	requestTimeoutMs?: number;
	/** Tries of one call. Default 4. */
	attemptsMax?: number;
	/** Before the second try, milliseconds; doubled before each further one, up to 5,000. Default 200. */
	retryDelayMs?: number;
	emit?: Emit;
}

export interface Answer {
	status: number;
	/** Parsed JSON; undefined when the body is none. */
	body: unknown;
	/** The body was longer than the bound and is not read. */
	tooLong: boolean;
}

export interface RegistryRequests {
	/**
	 * An answer below 500 that is not 401, 403, 408 or 429. Rejects with StreamError: `unavailable` when none came in all tries,
	 * `refused` when the principal is not let in.
	 */
	call(method: 'GET' | 'POST', path: string, body?: string): Promise<Answer>;
	close(): Promise<void>;
}

/** Our largest schema has 25 kB. */
const bodyBytesMax = 1024 * 1024;
const connectionsMax = 8;
const retryDelayMsMax = 5_000;
const mediaType = 'application/vnd.schemaregistry.v1+json';

/** Throws RangeError for what can never work. */
export function createRegistryRequests(options: RegistryConnection): RegistryRequests {
	const base = baseOf(options.url);
	const timeoutMs = options.requestTimeoutMs ?? 10_000;
	const attemptsMax = options.attemptsMax ?? 4;
	const { ca, cert, key, serverName } = options.tls ?? {};
	const agent = new Agent({
		connections: connectionsMax,
		headersTimeout: timeoutMs,
		bodyTimeout: timeoutMs,
		connect: {
			timeout: timeoutMs,
			...(ca === undefined ? {} : { ca }),
			...(cert === undefined ? {} : { cert }),
			...(key === undefined ? {} : { key }),
			...(serverName === undefined ? {} : { servername: serverName }),
		},
	});
	const once = (method: 'GET' | 'POST', path: string, body?: string): Promise<Attempt> =>
		attempt(agent, options.auth, timeoutMs, { method, url: new URL(path, base), body });
	return {
		call: async (method, path, body) => {
			let waitMs = options.retryDelayMs ?? 200;
			for (let n = 1; ; n++) {
				const outcome = await once(method, path, body);
				if (outcome.kind === 'answer') return outcome.answer;
				if (outcome.kind === 'refused') throw new StreamError('refused', `${method} ${path}: ${outcome.why}`);
				if (n >= attemptsMax)
					throw new StreamError('unavailable', `${method} ${path}: ${outcome.why}, ${n} times`, outcome.cause);
				options.emit?.({
					name: 'schema_registry_retries',
					stage: 'schema-registry',
					reason: outcome.reason,
					intentional: false,
					message: `the schema registry gave no answer: ${outcome.why}`,
					detail: { method, path, attempt: n },
				});
				await sleep(waitMs);
				waitMs = Math.min(2 * waitMs, retryDelayMsMax);
			}
		},
		close: () => agent.destroy(),
	};
}

type Attempt =
	| { kind: 'answer'; answer: Answer }
	| { kind: 'refused'; why: string }
	| { kind: 'no-answer'; reason: 'status' | 'timeout' | 'network'; why: string; cause?: unknown };

async function attempt(
	agent: Agent,
	auth: RegistryConnection['auth'],
	timeoutMs: number,
	{ method, url, body }: { method: 'GET' | 'POST'; url: URL; body: string | undefined },
): Promise<Attempt> {
	const signal = AbortSignal.timeout(timeoutMs);
	try {
		const authorization = await authorizationOf(auth);
		const response = await request(url, {
			method,
			headers: {
				accept: `${mediaType}, application/json`,
				...(body === undefined ? {} : { 'content-type': mediaType }),
				...(authorization === null ? {} : { authorization }),
			},
			...(body === undefined ? {} : { body }),
			dispatcher: agent,
			signal,
		});
		const status = response.statusCode;
		const text = await readBody(response.body);
		const parsed = text === null ? undefined : parse(text);
		if (status === 401 || status === 403)
			return { kind: 'refused', why: `${status}: ${reasonIn(parsed) || 'the registry does not let us in'}` };
		if (status >= 500 || status === 408 || status === 429)
			return { kind: 'no-answer', reason: 'status', why: `${status} ${reasonIn(parsed)}`.trim() };
		return { kind: 'answer', answer: { status, body: parsed, tooLong: text === null } };
	} catch (cause) {
		if (signal.aborted) return { kind: 'no-answer', reason: 'timeout', why: `nothing within ${timeoutMs} ms`, cause };
		return { kind: 'no-answer', reason: 'network', why: cause instanceof Error ? cause.message : String(cause), cause };
	}
}

async function authorizationOf(auth: RegistryConnection['auth']): Promise<string | null> {
	if (auth === undefined) return null;
	if (auth.kind === 'bearer') return `Bearer ${await auth.token()}`;
	return `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
}

/** null when it is longer than the bound: the rest is not taken. */
async function readBody(body: Dispatcher.ResponseData['body']): Promise<string | null> {
	const chunks: Buffer[] = [];
	let bytes = 0;
	for await (const chunk of body) {
		bytes += (chunk as Buffer).length;
		if (bytes > bodyBytesMax) return null;
		chunks.push(chunk as Buffer);
	}
	return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

/** What the registry says of a failure, short and on one line; empty when it says nothing. */
export function reasonIn(body: unknown): string {
	const message = fieldOf(body, 'message');
	return typeof message === 'string' ? JSON.stringify(message.slice(0, 300)) : '';
}

/** A field of a parsed answer, of whatever kind; undefined when there is none. */
export const fieldOf = (body: unknown, name: string): unknown =>
	typeof body === 'object' && body !== null && Object.hasOwn(body, name)
		? (body as Record<string, unknown>)[name]
		: undefined;

function baseOf(text: string): URL {
	const url = URL.parse(text);
	if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:'))
		throw new RangeError('registry.url: expected an http or https URL');
	if (url.username !== '' || url.password !== '')
		throw new RangeError('registry.url: expected no user name or password; they have keys of their own');
	url.search = '';
	url.hash = '';
	if (!url.pathname.endsWith('/')) url.pathname += '/';
	return url;
}
