// `policy test`: asks the policy engine about each case, with the policy as it stands.
import { dirname, resolve } from 'node:path';
import type { RegoEngine } from '@affidavit/attest/policy/rego-engine.ts';
import { parseRfc3339 } from '@affidavit/attest/policy/rfc3339.ts';
import type { NamedEnvelope } from '@affidavit/attest/verify-artifact.ts';
import { CliError } from '../errors.ts';
import { askPolicy } from '../verify/ask-policy.ts';
import { artifactDigest, policyTotalBytesMax, readBounded, readEnvelopes } from '../verify/inputs.ts';
import { type CaseResult, judgeCase, type PolicyCase, readCases } from './cases.ts';
import { signForNow } from './sign-policy.ts';
import { sourceBytesMax } from './source.ts';

export interface CaseRun {
	/** Path of the cases. */
	casesFile: string;
	/** Name and payload of the policy: signed or not, it is tried as if it had just been signed. */
	policy: { name: string; payload: Buffer };
	rego: RegoEngine;
	nowMs: number;
}

/** policy.yaml → policy.test.yaml */
export const casesFileOf = (policyFile: string): string => `${policyFile.replace(/\.(ya?ml|json)$/, '')}.test.yaml`;

/** Throws CliError for cases that cannot be read, and for files that they name and that are not there. */
export async function runCases({ casesFile, policy, rego, nowMs }: CaseRun): Promise<CaseResult[]> {
	const read = readCases((await readBounded(casesFile, sourceBytesMax)).toString('utf8'));
	if (read.kind === 'invalid') throw new CliError('usage', `${casesFile}: ${read.reason}`);
	const { bytes, key } = signForNow(policy.payload);
	const folder = dirname(casesFile);
	const results: CaseResult[] = [];
	for (const one of read.cases) {
		const now = caseTime(one, nowMs);
		const result = await askPolicy({
			policy: { name: policy.name, bytes },
			policyKeys: [key],
			subjects: [await artifactDigest(artifactOf(one, folder))],
			attestations: await envelopesOf(one, folder),
			mode: one.mode ?? 'strict',
			nowMs: now,
			rego,
		});
		results.push(judgeCase(one, result));
	}
	return results;
}

const caseTime = ({ now }: PolicyCase, nowMs: number): number =>
	now === undefined ? nowMs : (parseRfc3339(now, true)?.ms ?? nowMs);

const artifactOf = ({ artifact }: PolicyCase, folder: string): string =>
	artifact.startsWith('sha256:') ? artifact : resolve(folder, artifact);

const envelopesOf = ({ attestations }: PolicyCase, folder: string): Promise<NamedEnvelope[]> =>
	readEnvelopes(
		attestations.map((path) => resolve(folder, path)),
		policyTotalBytesMax,
	);
