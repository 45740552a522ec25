// kafkajs's errors as ours. Whatever is not known to be for good may be repeated: `unavailable`.
import { StreamError, type StreamErrorCode } from '../errors.ts';

const refusedTypes: ReadonlySet<string> = new Set([
	'TOPIC_AUTHORIZATION_FAILED',
	'GROUP_AUTHORIZATION_FAILED',
	'CLUSTER_AUTHORIZATION_FAILED',
	'SASL_AUTHENTICATION_FAILED',
	'UNSUPPORTED_SASL_MECHANISM',
	'MESSAGE_TOO_LARGE',
	'RECORD_LIST_TOO_LARGE',
	'INVALID_TOPIC_EXCEPTION',
	'POLICY_VIOLATION',
	'INVALID_RECORD',
	'UNSUPPORTED_COMPRESSION_TYPE',
	'INVALID_REPLICATION_FACTOR',
	'INVALID_PARTITIONS',
	'INVALID_CONFIG',
	'INVALID_GROUP_ID',
	'INVALID_SESSION_TIMEOUT',
]);

/** Node's codes for a certificate that does not do. */
const refusedTls: ReadonlySet<string> = new Set([
	'CERT_HAS_EXPIRED',
	'DEPTH_ZERO_SELF_SIGNED_CERT',
	'SELF_SIGNED_CERT_IN_CHAIN',
	'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
	'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
	'ERR_TLS_CERT_ALTNAME_INVALID',
]);

const causeDepthMax = 8;

interface Clues {
	/** Kafka's own name of the error, '' when it came from elsewhere. */
	type: string;
	name: string;
	code: string;
	message: string;
}

/** The innermost error that says what it is. kafkajs wraps: retries exceeded, non-retriable, crash, several at once. */
export function cluesOf(error: unknown): Clues {
	const clues: Clues = { type: '', name: '', code: '', message: String(error) };
	let at: unknown = error;
	for (let depth = 0; depth < causeDepthMax && typeof at === 'object' && at !== null; depth++) {
		const e = at as Record<string, unknown>;
		if (typeof e.name === 'string') clues.name = e.name;
		if (typeof e.message === 'string' && e.message !== '') clues.message = e.message;
		if (typeof e.type === 'string') clues.type = e.type;
		if (typeof e.code === 'string') clues.code = e.code;
		at = e.cause ?? firstOf(e);
	}
	return clues;
}

/** Of an answer about several topics the first that was refused; its name is told, since the broker does not tell it. */
function firstOf({ errors }: Record<string, unknown>): unknown {
	const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
	if (!(first instanceof Error) || !('topic' in first)) return first;
	return { name: first.name, type: 'type' in first ? first.type : '', message: `${first.topic}: ${first.message}` };
}

function codeOf({ type, name, code }: Clues): StreamErrorCode {
	if (refusedTypes.has(type) || refusedTls.has(code) || name === 'KafkaJSSASLAuthenticationError') return 'refused';
	if (type === 'UNKNOWN_TOPIC_OR_PARTITION') return 'topic-unfit';
	return 'unavailable';
}

/** `doing` begins the message: what was being done, on what. A StreamError passes as it is. */
export function toStreamError(doing: string, error: unknown): StreamError {
	if (error instanceof StreamError) return error;
	const clues = cluesOf(error);
	return new StreamError(codeOf(clues), `${doing}: ${clues.type || clues.name}: ${clues.message}`, error);
}
