import type { Command } from 'commander';
import { type CliContext, type CommonOptions, commonOptions, examples, jsonLine } from '../context.ts';
import { exitNegative } from '../errors.ts';
import { collecting, readableFile, repository, wholeNumber } from '../option-values.ts';
import { createProgress } from '../progress.ts';

interface ProcessOptions extends CommonOptions {
	repo?: { name: string; location: string }[];
	indicators?: string[];
	metrics?: string[];
	key?: string;
	out?: string;
	batchEvents?: number;
}

const mib = 1024 * 1024;

export function registerProcess(program: Command, context: CliContext): void {
	commonOptions(
		program.command('process').argument('<file...>', 'Tetragon export files, plain or gzip', collecting(readableFile)),
	)
		.description('judge recorded builds: one verdict and signed attestations per session')
		.option(
			'--repo <name=location>',
			'where a repository is: NAME as the CI variable says (or a workspace folder) = git URL, folder or bundle',
			collecting(repository),
		)
		.option('--indicators <file>', 'known-bad digests, one sha256:HEX a line', collecting(readableFile))
		.option(
			'--metrics <file>',
			"scrape of Tetragon's metrics; two or more in order of time show what was lost",
			collecting(readableFile),
		)
		.option('--key <file>', 'signing key (PKCS #8 PEM, ed25519 or P-256); made when absent')
		.option('--out <dir>', 'folder for the signed attestations')
		.option('--batch-events <n>', 'events per batch, at most', wholeNumber(1, 100_000))
		.addHelpText(
			'after',
			`
Exit code: 0 when all sessions passed, 1 when one failed or is incomplete, 2 on an error of use or input.
With --json one object a line per session, ordered by start; diagnostics go to stderr.
${examples(
	'affidavit process tetragon.log.gz --repo example/app=https://git.example.org/app.git',
	'affidavit process tetragon.log --repo example/app=../app --indicators bad.txt --json | jq .verdict',
	'affidavit process tetragon.log --metrics before.txt --metrics after.txt --out attestations',
)}`,
		)
		.action(async (files: string[], options: ProcessOptions) => run(context, files, options));
}

async function run(context: CliContext, files: string[], options: ProcessOptions): Promise<void> {
	const { config } = await context.loadConfig(options, [
		...(options.out === undefined ? [] : [{ path: ['outDir'], value: options.out, flag: '--out' }]),
		...(options.key === undefined ? [] : [{ path: ['keyFile'], value: options.key, flag: '--key' }]),
	]);
	for (const { name, location } of options.repo ?? []) config.repositories[name] = location;
	config.indicators.push(...(options.indicators ?? []));
	const { createEmit } = await import('@affidavit/stream/internal-event.ts');
	const { createLogger } = await import('@affidavit/stream/logger.ts');
	const { createMetrics } = await import('@affidavit/stream/metrics.ts');
	const { loadSettings } = await import('../settings.ts');
	const { processFiles } = await import('./run.ts');
	const { interruptible } = await import('../interrupt.ts');
	const { renderOutcome } = await import('./render.ts');
	const emit = createEmit(createLogger({ level: config.log.level }), createMetrics().registry);
	const settings = await loadSettings(config, context.env, emit);
	const progress = createProgress({
		label: 'reading',
		unit: 'MB',
		json: options.json === true,
		stream: context.stderr,
	});
	const outcome = await interruptible((signal) =>
		processFiles({
			files,
			metrics: options.metrics ?? [],
			config,
			settings,
			emit,
			signal,
			progress: (done, total) =>
				progress.update(Math.round((done / mib) * 10) / 10, Math.round((total / mib) * 10) / 10),
			...(options.batchEvents === undefined ? {} : { batchEvents: options.batchEvents }),
		}),
	).finally(() => progress.stop());
	if (outcome === null) {
		context.stderr.write('affidavit: interrupted; the same command goes on from here\n');
		return context.exit(exitNegative);
	}
	for (const note of outcome.notes) context.stderr.write(`affidavit: ${note}\n`);
	if (outcome.deadLetters > 0)
		context.stderr.write(`affidavit: ${outcome.deadLetters} lines could not be used (see the warnings above)\n`);
	if (outcome.sessions.length === 0) context.stderr.write('affidavit: no build session in the input\n');
	const target = {
		colour: context.stdout.isTTY === true,
		cwd: context.cwd,
		publicKeyFile: settings.publicKeyFile,
	};
	for (const session of outcome.sessions)
		context.stdout.write(options.json ? jsonLine(session) : renderOutcome(session, target));
	if (outcome.sessions.some((s) => s.verdict !== 'passed')) context.exit(exitNegative);
}
