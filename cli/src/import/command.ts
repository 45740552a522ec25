import { type Command, InvalidArgumentError } from 'commander';
import { type CliContext, type CommonOptions, commonOptions, examples } from '../context.ts';
import { exitNegative } from '../errors.ts';
import { boundHeap } from '../heap.ts';
import { collecting, readableFile } from '../option-values.ts';
import { type RunOptions, runFlags, runOptions } from '../run-options.ts';
import { printable } from '../text/printable.ts';
import type { ImportedObject } from './run.ts';

interface ImportOptions extends CommonOptions, RunOptions {
	publicKey: string[];
	workspace?: string;
}

export function registerImport(program: Command, context: CliContext): void {
	const command = program
		.command('import')
		.argument('<attestation>', 'Witness attestation with a trace: DSSE envelope', readableFile)
		.description('judge a build by the trace of a Witness attestation; never looks at what no given key has signed')
		.requiredOption(
			'--public-key <file...>',
			'the attestation must be signed by one of these keys (SPKI PEM)',
			collecting(readableFile),
		);
	runOptions(commonOptions(command))
		.option('--workspace <dir>', 'working folder of the build on its host (default: found out from the trace)', folder)
		.addHelpText(
			'after',
			`
Exit code: 0 when the session passed, 1 when it failed or is incomplete, when the signature does not hold, or when the
attestation holds no trace; 2 on an error of use or input. Without --repo the sources are compared with what the build itself
recorded of them, and the session is incomplete at best.
${examples(
	'affidavit import build.att.json --public-key witness.pub.pem --repo example/app=https://git.example.org/app.git',
	'affidavit import build.att.json --public-key witness.pub.pem --json | jq .imported',
)}`,
		)
		.action(async (file: string, options: ImportOptions) => run(context, file, options));
}

function folder(path: string): string {
	if (!/^\/./.test(path)) throw new InvalidArgumentError('expected an absolute path.');
	return path.replace(/\/+$/, '');
}

async function run(context: CliContext, file: string, options: ImportOptions): Promise<void> {
	const { config } = await context.loadConfig(options, runFlags(options));
	const { readBounded, readPublicKeys } = await import('../verify/inputs.ts');
	const { attestationBytesMax, readAttestation } = await import('./attestation.ts');
	const { createTally } = await import('@affidavit/ingest/witness/tally.ts');
	// A large attestation makes much garbage before there is anything to run.
	boundHeap();
	const tally = createTally();
	const keys = await readPublicKeys(options.publicKey);
	const attestation = readAttestation(await readBounded(file, attestationBytesMax), keys, tally);
	if (attestation.kind === 'refused') {
		context.stderr.write(`affidavit: ${printable(file)}: ${printable(attestation.reason)}\n`);
		return context.exit(exitNegative);
	}
	const { startRun } = await import('../run-start.ts');
	const { importAttestation } = await import('./run.ts');
	const { renderImported } = await import('./render.ts');
	const { interruptible } = await import('../interrupt.ts');
	const json = options.json === true;
	const { emit, settings, print } = await startRun(context, config, json);
	const [only, ...more] = options.repo ?? [];
	const outcome = await interruptible((signal) =>
		importAttestation({
			file,
			attestation,
			tally,
			repository: only !== undefined && more.length === 0 ? only.name : '',
			workspace: options.workspace ?? '',
			config,
			settings,
			emit,
			signal,
		}),
	);
	if (outcome === null) {
		context.stderr.write('affidavit: interrupted; the same command goes on from here\n');
		return context.exit(exitNegative);
	}
	for (const session of outcome.sessions) {
		print(session);
		if (!json) context.stdout.write(renderImported(session['imported'] as ImportedObject));
	}
	if (outcome.undelivered > 0)
		context.stderr.write(
			`affidavit: the webhook has not taken ${outcome.undelivered} findings; the same command tries again\n`,
		);
	if (outcome.sessions.length === 0) context.stderr.write('affidavit: no session came of the trace\n');
	if (outcome.sessions.length === 0 || outcome.sessions.some((s) => s.verdict !== 'passed')) context.exit(exitNegative);
}
