import { type Command, Option } from 'commander';
import { type CliContext, type CommonOptions, commonOptions, examples } from '../context.ts';
import { collecting, wholeNumber } from '../option-values.ts';

const soonDaysDefault = 30;
const daysMax = 36_500;

export interface InitOptions extends CommonOptions {
	fromSession: string[];
	dir: string;
	out?: string;
	publicKey?: string[];
	expires?: string;
	force?: boolean;
}
export interface CheckOptions extends CommonOptions {
	policyKey?: string[];
	soonDays: number;
}
export interface TestOptions extends CommonOptions {
	cases?: string;
	regoEngine: 'affidavit' | 'opa';
}
export interface SignOptions extends CommonOptions {
	key: string;
	out: string;
	force?: boolean;
}
export interface ShowOptions extends CommonOptions {
	policyKey?: string[];
}

const text = collecting((value: string) => value);
const exitCodes = 'Exit code: 0 when there is no error, 1 when there is one, 2 on wrong use.';

export function registerPolicy(program: Command, context: CliContext): void {
	const policy = program.command('policy').description('Witness policies: write, check, try, sign (docs/policy.md)');
	registerInit(policy, context);
	registerCheck(policy, context);
	registerTest(policy, context);
	registerSign(policy, context);
	registerShow(policy, context);
}

function registerInit(policy: Command, context: CliContext): void {
	commonOptions(policy.command('init'))
		.description('write a policy from builds that passed: who signed, what ran, with its digests')
		.requiredOption('--from-session <id...>', 'sessions of the data folder, by id or its beginning', text)
		.option('--dir <dir>', 'folder that policy.yaml, its rules and its cases go to', 'policy')
		.option('--out <dir>', 'folder of the signed attestations')
		.option('--public-key <file...>', "the sessions' signers (default: the public keys of the data folder)", text)
		.option('--expires <time>', 'RFC 3339, or a day as in 2030-01-31 (default: in a year)')
		.option('--force', 'replace files that are there')
		.addHelpText(
			'after',
			examples(
				'affidavit policy init --from-session d2df803a',
				'affidavit policy init --from-session d2df 7e01 --dir release-policy --expires 2027-06-30 --json',
			),
		)
		.action(async (options: InitOptions) => (await import('../policy/actions.ts')).init(context, options));
}

function registerCheck(policy: Command, context: CliContext): void {
	commonOptions(policy.command('check').argument('<file>', "signed policy, Witness's JSON, or a YAML source"))
		.description('say what is wrong with a policy, and what Witness would let pass')
		.option('--policy-key <file...>', 'keys one of which must have signed it (SPKI PEM)', text)
		.addOption(
			new Option('--soon-days <n>', 'warn when it expires within so many days')
				.argParser(wholeNumber(0, daysMax))
				.default(soonDaysDefault),
		)
		.addHelpText(
			'after',
			`\n${exitCodes}\n${examples(
				'affidavit policy check policy/policy.yaml',
				'affidavit policy check policy.json --policy-key policy.pub.pem --json | jq .findings',
			)}`,
		)
		.action(async (file: string, options: CheckOptions) =>
			(await import('../policy/actions.ts')).check(context, file, options),
		);
}

function registerTest(policy: Command, context: CliContext): void {
	commonOptions(policy.command('test').argument('<file>', 'policy or source, signed or not'))
		.description('try a policy on cases: which artifact must pass with which attestations, and which must not')
		.option('--cases <file>', 'YAML (default: beside the policy, policy.test.yaml)')
		.addOption(
			new Option('--rego-engine <engine>', 'who evaluates Rego; opa: the binary on the PATH')
				.choices(['affidavit', 'opa'])
				.default('affidavit'),
		)
		.addHelpText(
			'after',
			`\nExit code: 0 when every case is as expected, 1 when one is not, 2 on wrong use.\n${examples(
				'affidavit policy test policy/policy.yaml',
				'affidavit policy test policy.json --cases release.test.yaml --json',
			)}`,
		)
		.action(async (file: string, options: TestOptions) =>
			(await import('../policy/actions.ts')).test(context, file, options),
		);
}

function registerSign(policy: Command, context: CliContext): void {
	commonOptions(policy.command('sign').argument('<file>', "YAML source or Witness's JSON"))
		.description('check a policy and sign it, as Witness and `affidavit verify` read it')
		.requiredOption('--key <file>', 'private key, PKCS #8 PEM')
		.requiredOption('--out <file>', 'the signed policy; replaced when it is there')
		.option('--force', 'sign in spite of errors')
		.addHelpText(
			'after',
			`\n${exitCodes}\n${examples(
				'affidavit policy sign policy/policy.yaml --key policy.pem --out policy.json',
				'affidavit policy sign policy/policy.yaml --key policy.pem --out policy.json --json',
			)}`,
		)
		.action(async (file: string, options: SignOptions) =>
			(await import('../policy/actions.ts')).sign(context, file, options),
		);
}

function registerShow(policy: Command, context: CliContext): void {
	commonOptions(policy.command('show').argument('<file>', "signed policy, Witness's JSON, or a YAML source"))
		.description('what a policy asks for, in words')
		.option('--policy-key <file...>', 'check the signature with these keys (SPKI PEM)', text)
		.addHelpText(
			'after',
			examples(
				'affidavit policy show policy.json --policy-key policy.pub.pem',
				'affidavit policy show policy.yaml --json',
			),
		)
		.action(async (file: string, options: ShowOptions) =>
			(await import('../policy/actions.ts')).show(context, file, options),
		);
}
