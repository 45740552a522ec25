/** Closed list; docs/errors.md explains each. */
export type StreamErrorCode =
	| 'log-full'
	| 'log-locked'
	| 'log-corrupt'
	| 'store-locked'
	| 'store-full'
	| 'store-corrupt'
	| 'blob-corrupt'
	| 'blob-too-large'
	| 'fenced'
	| 'closed'
	| 'poison-record';

/** The only error class of packages/stream. */
export class StreamError extends Error {
	readonly code: StreamErrorCode;

	constructor(code: StreamErrorCode, message: string, cause?: unknown) {
		super(message, cause === undefined ? undefined : { cause });
		this.name = 'StreamError';
		this.code = code;
	}
}
