// Where the tail of an export stands: survives a restart, a rotation meanwhile, and an inode that was given out again.

export interface TailCheckpoint {
	version: 1;
	/** `dev:ino` of the file. */
	id: string;
	/** Start of the first line that was not handed out, bytes. */
	offset: number;
	/** Its number, from 1. */
	line: number;
	/** Length and sha256 (hex) of the file's first bytes, at most `offset` of them. */
	headBytes: number;
	headDigest: string;
	/** Last write to what was read so far, nanoseconds since 1970, in decimal. */
	lastReadNs: string;
}

export const encodeTailCheckpoint = (checkpoint: TailCheckpoint): Uint8Array => Buffer.from(JSON.stringify(checkpoint));

/** The program's own bytes: what does not parse is a bug and throws. */
export const decodeTailCheckpoint = (bytes: Uint8Array): TailCheckpoint => JSON.parse(Buffer.from(bytes).toString());
