// Deterministic identities: the same input gives the same id on every machine and in every run.
import { createHash } from 'node:crypto';

const sha256Of = (parts: readonly string[]): string => {
	const hash = createHash('sha256');
	// Length-prefixed, so that no two part lists share an encoding.
	for (const part of parts) hash.update(`${Buffer.byteLength(part)}:${part};`);
	return hash.digest('hex');
};

/** sha256 (hex) over host, boot and the earliest root's exec_id (design 6). */
export const sessionId = (host: string, boot: string, rootExecId: string): string =>
	sha256Of(['session', host, boot, rootExecId]);

/** sha256 (hex) over session, rule and what the finding is about: the same for the lead and the confirmed finding. */
export const findingId = (session: string, rule: string, ...subject: string[]): string =>
	sha256Of(['finding', session, rule, ...subject]);
