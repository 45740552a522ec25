import { printable } from '../text/printable.ts';

/** The first line of an answer: the word, and what it is about. */
export function answerLine(artifact: string, sha256: string, accepted: boolean): string {
	const name = artifact.startsWith('sha256:') ? `sha256:${sha256}` : `${printable(artifact)} (sha256:${sha256})`;
	return `${accepted ? 'accepted' : 'rejected'}: ${name}`;
}
