// What went wrong, in the words of the port. Everything that time or a failover mends is `unavailable`: the caller repeats it.
import { StreamError, type StreamErrorCode } from '../errors.ts';

/** First words of the server's errors. */
const codes = new Map<string, StreamErrorCode>([
	['OOM', 'store-full'],
	['NOAUTH', 'refused'],
	['NOPERM', 'refused'],
	['WRONGPASS', 'refused'],
	['WRONGTYPE', 'store-corrupt'],
	['CORRUPT', 'store-corrupt'],
	['LOADING', 'unavailable'],
	['READONLY', 'unavailable'],
	['CLUSTERDOWN', 'unavailable'],
	['MASTERDOWN', 'unavailable'],
	['TRYAGAIN', 'unavailable'],
	['MOVED', 'unavailable'],
	['ASK', 'unavailable'],
	['BUSY', 'unavailable'],
	['MISCONF', 'unavailable'],
	['NOREPLICAS', 'unavailable'],
	['UNBLOCKED', 'unavailable'],
	['NOSCRIPT', 'unavailable'],
]);

/** Errors without a word of their own that pass: too many connections, and a slot that is on its way to another node. */
const passing = ['max number of clients', 'access a non local key'];

/** What the client library throws on its own carries other names, and is about the connection. */
export function codeOfError(error: unknown): StreamErrorCode {
	if (!(error instanceof Error) || error.name !== 'ReplyError') return 'unavailable';
	const known = codes.get(error.message.split(' ', 1)[0] ?? '');
	if (known) return known;
	return passing.some((text) => error.message.includes(text)) ? 'unavailable' : 'refused';
}

export function streamErrorOf(what: string, error: unknown, lastConnectionError: unknown): StreamError {
	if (error instanceof StreamError) return error;
	const own = codeOfError(error);
	// A refused login shows only as "not connected" to the command that waited for it.
	const cause = own === 'unavailable' && codeOfError(lastConnectionError) === 'refused' ? lastConnectionError : error;
	return new StreamError(codeOfError(cause), `redis: ${what}: ${reasonOf(cause, lastConnectionError)}`, cause);
}

const reasonTextMax = 300;

/** How ioredis says that it has no connection: in the names of its own options. */
const notConnected = "Stream isn't writeable and enableOfflineQueue options is false";

function reasonOf(error: unknown, lastConnectionError: unknown): string {
	const own = error instanceof Error ? error.message : String(error);
	const text = own === notConnected ? 'not connected' : own;
	const behind =
		lastConnectionError instanceof Error && lastConnectionError !== error ? ` (${lastConnectionError.message})` : '';
	return (text + behind).slice(0, reasonTextMax);
}
