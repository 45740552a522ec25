import { type Command, Option } from 'commander';
import { type CliContext, type CommonOptions, commonOptions, examples } from '../context.ts';
import { CliError, exitNegative } from '../errors.ts';
import { collecting } from '../option-values.ts';

export interface VerifyOptions extends CommonOptions {
	attestation: string[];
	publicKey?: string[];
	policy?: string;
	policyKey?: string[];
	compat?: 'witness';
	regoEngine: 'affidavit' | 'opa';
	vsa?: string;
	vsaKey?: string;
	resourceUri?: string;
}

export function registerVerify(program: Command, context: CliContext): void {
	const text = collecting((value: string) => value);
	commonOptions(program.command('verify').argument('<artifact>', 'file, or sha256:HEX'))
		.description(
			'is this artifact what a policy asks for, or the product of a build that passed? never touches the network',
		)
		.requiredOption('--attestation <path...>', 'signed attestations: files, or folders of *.dsse.json', text)
		.option('--public-key <file...>', 'ask for a passed session, signed by one of these keys (SPKI PEM)', text)
		.option('--policy <file>', 'ask for what this signed Witness policy asks for (docs/policy.md)')
		.option('--policy-key <file...>', 'keys that may sign the policy (SPKI PEM)', text)
		.addOption(
			new Option('--compat <engine>', 'with --policy: the answer of the real engine, which fails open').choices([
				'witness',
			]),
		)
		.addOption(
			new Option('--rego-engine <engine>', 'with --policy: who evaluates Rego; opa: the binary on the PATH')
				.choices(['affidavit', 'opa'])
				.default('affidavit'),
		)
		.option('--vsa <file>', 'with --policy: write a signed verification summary (VSA) of the answer')
		.option('--vsa-key <file>', 'private key that signs the summary (PKCS #8 PEM)')
		.option('--resource-uri <uri>', 'what the summary calls the artifact (default: urn:sha256:HEX)')
		.addHelpText(
			'after',
			`
Exit code: 0 accepted, 1 rejected (also for a broken, expired or unknown attestation or policy), 2 wrong use.
${examples(
	'affidavit verify bin/app --policy policy.json --policy-key policy.pub.pem --attestation attestations/',
	'affidavit verify bin/app --policy p.json --policy-key k.pem --attestation a/ --vsa vsa.dsse.json --vsa-key signing.pem',
	'affidavit verify bin/app --attestation attestations/ --public-key signing.pub.pem',
	'affidavit verify sha256:84ef… --attestation vsa.dsse.json --public-key signing.pub.pem --json',
)}`,
		)
		.action(async (artifact: string, options: VerifyOptions, command: Command) => {
			const chosen = chosenWay(options, command.getOptionValueSource('regoEngine') === 'cli');
			const accepted =
				chosen.kind === 'keys'
					? await (await import('../verify/against-keys.ts')).verifyAgainstKeys(context, artifact, chosen)
					: await (await import('../verify/against-policy.ts')).verifyAgainstPolicy(context, artifact, chosen);
			if (!accepted) context.exit(exitNegative);
		});
}

export interface KeysWay {
	kind: 'keys';
	publicKeys: readonly string[];
	attestations: readonly string[];
	json: boolean;
}

export interface PolicyWay {
	kind: 'policy';
	policy: string;
	policyKeys: readonly string[];
	attestations: readonly string[];
	mode: 'strict' | 'witness';
	regoEngine: 'affidavit' | 'opa';
	vsa: { file: string; key: string; resourceUri: string | undefined } | null;
	json: boolean;
}

/** Exactly one of the two ways, with what belongs to it. Throws CliError('usage'). */
function chosenWay(options: VerifyOptions, engineGiven: boolean): KeysWay | PolicyWay {
	const { attestation: attestations, publicKey, policy, policyKey, vsa, vsaKey, resourceUri } = options;
	const json = options.json === true;
	if (publicKey !== undefined && policy !== undefined)
		throw usage('give --policy or --public-key, not both: a policy names the keys that it trusts');
	if (publicKey !== undefined) {
		const given = { '--policy-key': policyKey, '--compat': options.compat, '--vsa': vsa, '--vsa-key': vsaKey };
		const others = { ...given, '--resource-uri': resourceUri, '--rego-engine': engineGiven ? true : undefined };
		for (const [name, value] of Object.entries(others))
			if (value !== undefined) throw usage(`${name} belongs to --policy, and there is none`);
		return { kind: 'keys', publicKeys: publicKey, attestations, json };
	}
	if (policy === undefined) throw usage('give --policy FILE with --policy-key FILE, or --public-key FILE');
	if (policyKey === undefined) throw usage('--policy needs --policy-key: the key that may sign the policy');
	if ((vsa === undefined) !== (vsaKey === undefined)) throw usage('--vsa and --vsa-key belong together');
	if (resourceUri !== undefined && vsa === undefined) throw usage('--resource-uri belongs to --vsa');
	return {
		kind: 'policy',
		policy,
		policyKeys: policyKey,
		attestations,
		mode: options.compat === 'witness' ? 'witness' : 'strict',
		regoEngine: options.regoEngine,
		vsa: vsa === undefined || vsaKey === undefined ? null : { file: vsa, key: vsaKey, resourceUri },
		json,
	};
}

const usage = (message: string): CliError => new CliError('usage', message);
