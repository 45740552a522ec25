// One try: signs a message (Standard Webhooks 1.0) and posts it. Whatever the receiver does, it ends in time.
import { Webhook } from 'standardwebhooks';
import { Agent, type Dispatcher, request } from 'undici';
import { AddressRefused, type AllowPrivate, addressCheck, guardedLookup, literalAddress } from './connect-guard.ts';
import type { AlertMessage } from './message.ts';
import { retryAfterMs } from './retry.ts';

export type PostOutcome =
	| { kind: 'delivered'; status: number }
	/** `reason` is low-cardinality; `status` is -1 when no answer came. */
	| { kind: 'failed'; reason: PostFailure; status: number; retryAfterMs: number | null }
	/** 410: the receiver wants nothing more. */
	| { kind: 'gone' };

export type PostFailure = 'status' | 'redirect' | 'timeout' | 'address-refused' | 'network';

/** Tries once; never throws. */
export type Post = (message: AlertMessage) => Promise<PostOutcome>;

export interface PostOptions {
	/** http or https; from configuration only. */
	url: string;
	/** `whsec_…`; see secret.ts. */
	secret: string;
	allowPrivate: AllowPrivate;
	/** One try, from the look-up of the name to the end of the answer. */
	timeoutMs: number;
	connectionsMax: number;
	/** Milliseconds since the epoch: the signed timestamp. */
	now: () => number;
}

const responseBytesMax = 64 * 1024;

/** Throws TypeError on a URL or secret that configuration should have refused. */
export function createPost(options: PostOptions): { post: Post; close: () => Promise<void> } {
	const url = webhookUrl(options.url);
	const signer = new Webhook(options.secret);
	const isAllowed = addressCheck(options.allowPrivate);
	const literal = literalAddress(url.hostname);
	const agent = new Agent({
		connect: { lookup: guardedLookup(isAllowed), timeout: options.timeoutMs },
		connections: options.connectionsMax,
		headersTimeout: options.timeoutMs,
		bodyTimeout: options.timeoutMs,
		// A receiver that keeps its connections open must not keep us.
		keepAliveTimeout: 4000,
		keepAliveMaxTimeout: 10_000,
	});
	const post: Post = async (message) => {
		if (literal !== null && !isAllowed(literal)) return failed('address-refused', -1, null);
		const signal = AbortSignal.timeout(options.timeoutMs);
		try {
			const answer = await request(url, {
				method: 'POST',
				headers: headersOf(message, signer, options.now()),
				body: message.body,
				dispatcher: agent,
				signal,
			});
			await drain(answer.body);
			return outcomeOf(answer, options.now());
		} catch (cause) {
			return failed(signal.aborted ? 'timeout' : failureOf(cause), -1, null);
		}
	};
	return { post, close: () => agent.destroy() };
}

/** Expected shape of the configured URL; credentials in it would be sent to whoever answers. */
export function webhookUrl(text: string): URL {
	const url = URL.parse(text);
	if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:'))
		throw new TypeError('webhook.url: expected an http or https URL');
	if (url.username !== '' || url.password !== '') throw new TypeError('webhook.url: expected no user name or password');
	return url;
}

function headersOf(message: AlertMessage, signer: Webhook, nowMs: number): Record<string, string> {
	return {
		'content-type': 'application/json',
		'user-agent': 'affidavit-webhook/1',
		'webhook-id': message.id,
		'webhook-timestamp': String(Math.floor(nowMs / 1000)),
		'webhook-signature': signer.sign(message.id, new Date(nowMs), message.body),
	};
}

/** Reads the answer's body to its end, so that the connection can be used again, or gives it up at the bound. */
async function drain(body: Dispatcher.ResponseData['body']): Promise<void> {
	let bytes = 0;
	try {
		for await (const chunk of body) {
			bytes += (chunk as Buffer).length;
			if (bytes > responseBytesMax) break;
		}
	} catch {
		// The status line has been read: it decides, whatever becomes of the body.
	}
}

function outcomeOf(answer: Dispatcher.ResponseData, nowMs: number): PostOutcome {
	const { statusCode, headers } = answer;
	if (statusCode >= 200 && statusCode < 300) return { kind: 'delivered', status: statusCode };
	if (statusCode === 410) return { kind: 'gone' };
	const header = headers['retry-after'];
	const wait = retryAfterMs(Array.isArray(header) ? header[0] : header, nowMs);
	return failed(statusCode >= 300 && statusCode < 400 ? 'redirect' : 'status', statusCode, wait);
}

const failed = (reason: PostFailure, status: number, wait: number | null): PostOutcome => ({
	kind: 'failed',
	reason,
	status,
	retryAfterMs: wait,
});

function failureOf(cause: unknown): PostFailure {
	if (cause instanceof AddressRefused) return 'address-refused';
	const { code } = cause as { code?: unknown };
	return typeof code === 'string' && code.includes('TIMEOUT') ? 'timeout' : 'network';
}
