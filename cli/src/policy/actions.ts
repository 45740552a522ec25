// What the `policy` commands do: read, ask the pure parts, print. One function a command.
import { verifyEnvelope } from '@affidavit/attest/dsse.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import type { CheckOptions, ShowOptions, SignOptions, TestOptions } from '../commands/policy.ts';
import { type CliContext, type CommonOptions, jsonLine } from '../context.ts';
import { CliError, exitNegative } from '../errors.ts';
import { printable } from '../text/printable.ts';
import { table } from '../text/table.ts';
import { readPublicKeys } from '../verify/inputs.ts';
import { openRegoEngine } from '../verify/open-rego-engine.ts';
import { readSigningKey, writeWhole } from '../verify/summary-file.ts';
import { hasErrors } from './check.ts';
import { checkFile } from './check-file.ts';
import { describePolicy } from './describe.ts';
import { type PolicyDocument, readDocument } from './document.ts';
import type { PolicyFinding } from './finding.ts';
import { loadPolicy } from './load.ts';
import { casesFileOf, runCases } from './run-cases.ts';
import { signPolicy } from './sign-policy.ts';

export { init } from './init.ts';

/** Days before the expiry at which `sign` warns; `check` has an option. */
const signSoonDays = 30;

export async function check(context: CliContext, file: string, options: CheckOptions): Promise<void> {
	const keys = await readPublicKeys(options.policyKey ?? []);
	const { loaded, findings } = await checkFile(file, keys, { nowMs: Date.now(), soonDays: options.soonDays });
	const failed = hasErrors(findings);
	if (options.json) context.stdout.write(jsonLine({ policy: file, form: loaded.form, ok: !failed, findings }));
	else context.stdout.write(`${findingsText(findings)}${verdictText(file, findings)}`);
	if (failed) context.exit(exitNegative);
}

const findingsText = (findings: readonly PolicyFinding[]): string =>
	findings
		.map(
			({ severity, code, place, message }) =>
				`${severity} ${code}${place === '' ? '' : ` at ${printable(place)}`}\n  ${printable(message)}\n`,
		)
		.join('');

function verdictText(file: string, findings: readonly PolicyFinding[]): string {
	const errors = findings.filter((finding) => finding.severity === 'error').length;
	const counts = `${counted(errors, 'error')}, ${counted(findings.length - errors, 'warning')}`;
	return `${printable(file)}: ${findings.length === 0 ? 'nothing wrong was found' : counts}\n`;
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

export async function sign(context: CliContext, file: string, options: SignOptions): Promise<void> {
	const signer = await readSigningKey(options.key);
	const { loaded, findings } = await checkFile(file, [], { nowMs: Date.now(), soonDays: signSoonDays });
	const failed = hasErrors(findings);
	const signed = loaded.kind === 'policy' && (!failed || options.force === true);
	context.stderr.write(findingsText(findings));
	if (signed) await writeWhole(options.out, signPolicy(loaded.payload, signer.key, signer.keyId));
	const sha256 = loaded.kind === 'policy' ? sha256Hex(loaded.payload) : '';
	if (options.json)
		context.stdout.write(
			jsonLine({ policy: file, out: signed ? options.out : null, sha256, keyid: signer.keyId, findings }),
		);
	else if (signed) context.stdout.write(`${printable(options.out)}: signed by ${signer.keyId}\n`);
	if (!signed) {
		const way = loaded.kind === 'policy' ? '; correct it, or sign it all the same with --force' : '';
		context.stderr.write(`affidavit: ${printable(file)}: not signed${way}\n`);
		context.exit(exitNegative);
	}
}

export async function test(context: CliContext, file: string, options: TestOptions): Promise<void> {
	const loaded = await loadPolicy(file);
	if (loaded.kind === 'invalid') return refuse(context, file, loaded.problems, options);
	const casesFile = options.cases ?? casesFileOf(file);
	const rego = await openRegoEngine(options.regoEngine, context.env['PATH'] ?? '');
	const policy = { name: file, payload: loaded.payload };
	const results = await runCases({ casesFile, policy, rego, nowMs: Date.now() });
	const failed = results.filter((result) => !result.passed).length;
	if (options.json)
		context.stdout.write(jsonLine({ policy: file, cases: results, passed: results.length - failed, failed }));
	else {
		const rows = results.map(({ passed, name, expected, found, reason }) => [
			passed ? 'ok' : 'FAILED',
			printable(name),
			expected === found ? found : `${found}, expected ${expected}`,
			printable(reason),
		]);
		context.stdout.write(`${table(rows)}${counted(results.length, 'case')}, ${failed} failed\n`);
	}
	if (failed > 0) context.exit(exitNegative);
}

/** What cannot be read is refused like what is wrong: exit code 1. */
function refuse(
	context: CliContext,
	file: string,
	problems: readonly { place: string; message: string }[],
	{ json }: CommonOptions,
): void {
	if (json) context.stdout.write(jsonLine({ policy: file, problems }));
	for (const { place, message } of problems)
		context.stderr.write(`affidavit: ${printable(`${file}: ${place}: ${message}`)}\n`);
	context.exit(exitNegative);
}

export async function show(context: CliContext, file: string, options: ShowOptions): Promise<void> {
	const keys = await readPublicKeys(options.policyKey ?? []);
	const loaded = await loadPolicy(file);
	if (loaded.kind === 'invalid') return refuse(context, file, loaded.problems, options);
	const { envelope, form, payload } = loaded;
	if (envelope === null && keys.length > 0)
		throw new CliError('usage', `${file}: is not signed, so --policy-key checks nothing`);
	const { document } = readDocument(loaded.value);
	const holds = envelope === null || keys.length === 0 ? null : verifyEnvelope(envelope, keys).kind === 'verified';
	const signedBy = envelope?.signatures.map((signature) => signature.keyid) ?? [];
	const sha256 = sha256Hex(payload);
	if (options.json)
		context.stdout.write(
			jsonLine({ policy: file, form, sha256, signedBy, signatureHolds: holds, ...readable(document) }),
		);
	else context.stdout.write(describePolicy({ form, sha256, signedBy, signatureHolds: holds, document }));
	if (holds === false) context.exit(exitNegative);
}

/** Keys and certificates as text. */
const readable = ({ publickeys, roots, timestampauthorities, ...rest }: PolicyDocument): object => ({
	...rest,
	publickeys: publickeys.map(({ key, ...of }) => ({ ...of, key: key.toString('utf8') })),
	roots: roots.map(readableRoot),
	timestampauthorities: timestampauthorities.map(readableRoot),
});

const readableRoot = ({ id, certificate, intermediates }: PolicyDocument['roots'][number]): object => ({
	id,
	certificate: certificate.toString('utf8'),
	intermediates: intermediates.map((bytes) => bytes.toString('utf8')),
});
