/** Closed list; docs/errors.md explains each. */
export type SignErrorCode = 'key-unreadable' | 'key-invalid' | 'envelope-conflict' | 'write-failed' | 'sort-failed';

/** The only error class of services/sign. */
export class SignError extends Error {
	readonly code: SignErrorCode;

	constructor(code: SignErrorCode, message: string, cause?: unknown) {
		super(message, cause === undefined ? undefined : { cause });
		this.name = 'SignError';
		this.code = code;
	}
}

/** Why a verdict is not signed: codes of this stage's dead letters. */
export type RefusalCode = 'not-a-verdict' | 'facts-mismatch' | 'manifest-missing' | 'session-id';
