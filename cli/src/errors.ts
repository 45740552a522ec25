// The only error class of the CLI. Whoever throws it has said everything that the user needs: main.ts prints the message alone.

/** Closed list; docs/errors.md explains each. */
export type CliErrorCode =
	| 'usage'
	| 'config'
	| 'file-missing'
	| 'file-unreadable'
	| 'file-too-large'
	| 'file-unwritable'
	| 'file-exists'
	| 'key-unreadable'
	| 'key-exists'
	| 'key-mismatch'
	| 'key-exposed'
	| 'session-unknown'
	| 'session-ambiguous'
	| 'session-unreadable'
	| 'key-untrusted'
	| 'topics-unfit'
	| 'listen-failed';

/** EX_CONFIG of sysexits.h: a service manager can tell a wrong configuration from a crash. */
export const exitConfig = 78;
export const exitUsage = 2;
/** A verdict that is not passed, a rejected artifact, a failed check. */
export const exitNegative = 1;

export class CliError extends Error {
	readonly code: CliErrorCode;
	readonly exitCode: number;

	constructor(code: CliErrorCode, message: string, cause?: unknown) {
		super(message, cause === undefined ? undefined : { cause });
		this.name = 'CliError';
		this.code = code;
		this.exitCode = code === 'config' ? exitConfig : exitUsage;
	}
}
