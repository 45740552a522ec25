import type { Command } from 'commander';
import { type CliContext, type CommonOptions, commonOptions, examples, jsonLine } from '../context.ts';
import { exitNegative } from '../errors.ts';
import { collecting } from '../option-values.ts';

const outcomesShownMax = 50;

interface VerifyOptions extends CommonOptions {
	attestation: string[];
	publicKey: string[];
}

export function registerVerify(program: Command, context: CliContext): void {
	const text = collecting((value: string) => value);
	commonOptions(program.command('verify').argument('<artifact>', 'file, or sha256:HEX'))
		.description('is this artifact the product of a build that passed? exits 0 when accepted, 1 when rejected')
		.requiredOption('--attestation <path...>', 'signed attestations: files, or folders of *.dsse.json', text)
		.requiredOption('--public-key <file...>', 'keys that are trusted to sign (SPKI PEM)', text)
		.addHelpText(
			'after',
			examples(
				'affidavit verify bin/app --attestation attestations/ --public-key signing.pub.pem',
				'affidavit verify sha256:84ef… --attestation vsa.dsse.json --public-key signing.pub.pem --json',
			),
		)
		.action(async (artifact: string, options: VerifyOptions) => {
			const { artifactDigest, readEnvelopes, readPublicKeys } = await import('../verify/inputs.ts');
			const { verifyArtifact } = await import('@affidavit/attest/verify-artifact.ts');
			const { printable } = await import('../text/printable.ts');
			const publicKeys = await readPublicKeys(options.publicKey);
			const sha256 = await artifactDigest(artifact);
			const result = verifyArtifact({
				artifactDigest: sha256,
				envelopes: await readEnvelopes(options.attestation),
				publicKeys,
			});
			if (options.json) context.stdout.write(jsonLine({ artifact: { name: artifact, sha256 }, ...result }));
			else {
				const word = result.accepted ? 'accepted' : 'rejected';
				context.stdout.write(`${word}: ${printable(artifact)}\n  sha256:${sha256}\n  ${printable(result.reason)}\n`);
				for (const outcome of result.outcomes.slice(0, outcomesShownMax)) {
					const why = 'reason' in outcome ? `: ${outcome.reason}` : '';
					context.stdout.write(`  - ${printable(`${outcome.name}: ${outcome.kind}${why}`)}\n`);
				}
				const more = result.outcomes.length - outcomesShownMax;
				if (more > 0) context.stdout.write(`  … ${more} more; --json shows them\n`);
			}
			if (!result.accepted) context.exit(exitNegative);
		});
}
