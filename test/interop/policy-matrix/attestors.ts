// Attestors as Witness writes them, by the few fields that the cases turn on.
import { createHash } from 'node:crypto';
import type { Subject } from '@affidavit/attest/statement.ts';
import { commandRunType, gitType, materialType, productType } from '@affidavit/attest/type-uris.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';

export const environmentType = 'https://witness.dev/attestations/environment/v0.1';

export type Digests = Record<string, string>;

export interface Attestation {
	type: string;
	attestation: unknown;
	starttime?: string;
	endtime?: string;
}

/** sha256 of a content, hex. */
export const digestOf = (content: string | Uint8Array): string =>
	typeof content === 'string' ? sha256Hex(content) : createHash('sha256').update(content).digest('hex');

const digestsOf = (of: string | Digests): Digests => (typeof of === 'string' ? { sha256: digestOf(of) } : of);

/** Path to content, or to the digests themselves. */
export type Files = Record<string, string | Digests>;

export const material = (files: Files): Attestation => ({
	type: materialType,
	attestation: Object.fromEntries(Object.entries(files).map(([path, of]) => [path, digestsOf(of)])),
});

export const product = (files: Files): Attestation => ({
	type: productType,
	attestation: Object.fromEntries(
		Object.entries(files).map(([path, of]) => [path, { mime_type: 'application/octet-stream', digest: digestsOf(of) }]),
	),
});

export interface TracedProcess {
	program?: string;
	processid?: number;
	parentpid?: number;
	programdigest?: Digests;
	exedigest?: Digests;
	[other: string]: unknown;
}

export const compiler = (content = 'cc'): TracedProcess => ({
	program: '/usr/bin/cc',
	processid: 4711,
	parentpid: 1,
	programdigest: { sha256: digestOf(content) },
	cmdline: 'cc -o app main.c',
});

export const commandRun = (
	processes: readonly TracedProcess[] = [compiler()],
	more: Record<string, unknown> = {},
): Attestation => ({
	type: commandRunType,
	attestation: { cmd: ['make'], exitcode: 0, processes, ...more },
});

export const git = (commithash = 'a'.repeat(40), more: Record<string, unknown> = {}): Attestation => ({
	type: gitType,
	attestation: {
		gittool: 'go-git',
		commithash,
		author: 'A. Author',
		authoremail: 'author@example.dev',
		committername: 'C. Committer',
		committeremail: 'committer@example.dev',
		commitdate: '2026-01-01 00:00:00 +0000 UTC',
		commitmessage: 'Change',
		...more,
	},
});

export const environment = (variables: Record<string, string> = {}): Attestation => ({
	type: environmentType,
	attestation: { os: 'linux', hostname: 'builder', username: 'ci', variables },
});

/** The subjects that Witness writes for these attestors: products, and what git names. */
export function subjectsOf(attestations: readonly Attestation[]): Subject[] {
	const subjects: Subject[] = [];
	for (const { type, attestation } of attestations) {
		if (type === productType)
			for (const [path, { digest }] of Object.entries(attestation as Record<string, { digest: Digests }>))
				subjects.push({ name: `${productType}/file:${path}`, digest });
		if (type === gitType) {
			const { commithash, authoremail, committeremail } = attestation as Record<string, string>;
			subjects.push({ name: `${gitType}/commithash:${commithash}`, digest: { sha1: commithash ?? '' } });
			for (const [name, email] of [
				['authoremail', authoremail],
				['committeremail', committeremail],
			] as const)
				subjects.push({ name: `${gitType}/${name}:${email}`, digest: { sha256: digestOf(email ?? '') } });
		}
	}
	return subjects;
}
