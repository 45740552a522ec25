/** Closed list; docs/errors.md explains each. */
export type CorrelateErrorCode = 'bad-matcher' | 'bad-option' | 'corrupt-cell';

/** The only error class of services/correlate. */
export class CorrelateError extends Error {
	readonly code: CorrelateErrorCode;

	constructor(code: CorrelateErrorCode, message: string, cause?: unknown) {
		super(message, cause === undefined ? undefined : { cause });
		this.name = 'CorrelateError';
		this.code = code;
	}
}
