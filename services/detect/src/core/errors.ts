/** Closed list; docs/errors.md explains each. */
export type DetectErrorCode =
	| 'rule-invalid'
	| 'catalogue-invalid'
	| 'fact-batch-undecodable'
	| 'fact-chain-broken'
	| 'facts-mismatch'
	| 'late-facts';

/** The error class of the detect core. */
export class DetectError extends Error {
	readonly code: DetectErrorCode;

	constructor(code: DetectErrorCode, message: string, cause?: unknown) {
		super(message, cause === undefined ? undefined : { cause });
		this.name = 'DetectError';
		this.code = code;
	}
}
