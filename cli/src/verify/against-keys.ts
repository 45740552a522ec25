// `verify --public-key`: is the artifact the product of a session that passed, said by one of the given keys?
import { verifyArtifact } from '@affidavit/attest/verify-artifact.ts';
import type { KeysWay } from '../commands/verify.ts';
import { type CliContext, jsonLine } from '../context.ts';
import { printable } from '../text/printable.ts';
import { answerLine } from './answer-line.ts';
import { artifactDigest, readEnvelopes, readPublicKeys } from './inputs.ts';

const outcomesShownMax = 50;

export async function verifyAgainstKeys(context: CliContext, artifact: string, way: KeysWay): Promise<boolean> {
	const publicKeys = await readPublicKeys(way.publicKeys);
	const sha256 = await artifactDigest(artifact);
	const result = verifyArtifact({
		artifactDigest: sha256,
		envelopes: await readEnvelopes(way.attestations),
		publicKeys,
	});
	if (way.json) context.stdout.write(jsonLine({ artifact: { name: artifact, sha256 }, ...result }));
	else {
		context.stdout.write(`${answerLine(artifact, sha256, result.accepted)}\n  ${printable(result.reason)}\n`);
		for (const outcome of result.outcomes.slice(0, outcomesShownMax)) {
			const why = 'reason' in outcome ? `: ${outcome.reason}` : '';
			context.stdout.write(`  - ${printable(`${outcome.name}: ${outcome.kind}${why}`)}\n`);
		}
		const more = result.outcomes.length - outcomesShownMax;
		if (more > 0) context.stdout.write(`  … ${more} more; --json shows them\n`);
	}
	return result.accepted;
}
