/** Closed list; docs/errors.md explains each. */
export type StreamErrorCode =
	| 'log-full'
	| 'log-locked'
	| 'log-corrupt'
	| 'store-locked'
	| 'store-full'
	| 'store-corrupt'
	/** A commit is larger than the store takes; nothing of it was done. */
	| 'commit-too-large'
	| 'blob-corrupt'
	| 'blob-too-large'
	| 'fenced'
	| 'closed'
	| 'poison-record'
	/** A remote log or store did not answer within its time; the call may be repeated. */
	| 'unavailable'
	/** A remote log or store refused the principal or the request for good. */
	| 'refused'
	/** A topic is missing, or its settings would lose data. */
	| 'topic-unfit'
	/** The store's settings would lose state. */
	| 'store-unfit';

/** The only error class of packages/stream. */
export class StreamError extends Error {
	readonly code: StreamErrorCode;

	constructor(code: StreamErrorCode, message: string, cause?: unknown) {
		super(message, cause === undefined ? undefined : { cause });
		this.name = 'StreamError';
		this.code = code;
	}
}
