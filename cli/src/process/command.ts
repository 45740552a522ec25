import type { Command } from 'commander';
import { type CliContext, type CommonOptions, commonOptions, examples } from '../context.ts';
import { exitNegative } from '../errors.ts';
import { collecting, readableFile, wholeNumber } from '../option-values.ts';
import { createProgress, megabytes } from '../progress.ts';
import { type RunOptions, runFlags, runOptions } from '../run-options.ts';

interface ProcessOptions extends CommonOptions, RunOptions {
	metrics?: string[];
	batchEvents?: number;
}

export function registerProcess(program: Command, context: CliContext): void {
	const command = program
		.command('process')
		.argument('<file...>', 'Tetragon export files, plain or gzip', collecting(readableFile))
		.description('judge recorded builds: one verdict and signed attestations per session');
	runOptions(commonOptions(command))
		.option(
			'--metrics <file>',
			"scrape of Tetragon's metrics; two or more in order of time show what was lost; repeatable",
			collecting(readableFile),
		)
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
	const { config } = await context.loadConfig(options, runFlags(options));
	const { startRun } = await import('../run-start.ts');
	const { processFiles } = await import('./run.ts');
	const { deadLetterLines } = await import('./dead-letters.ts');
	const { interruptible } = await import('../interrupt.ts');
	const { emit, settings, print } = await startRun(context, config, options.json === true);
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
			progress: (done, total) => progress.update(megabytes(done), megabytes(total)),
			...(options.batchEvents === undefined ? {} : { batchEvents: options.batchEvents }),
		}),
	).finally(() => progress.stop());
	if (outcome === null) {
		context.stderr.write('affidavit: interrupted; the same command goes on from here\n');
		return context.exit(exitNegative);
	}
	for (const note of outcome.notes) context.stderr.write(`affidavit: ${note}\n`);
	for (const line of deadLetterLines(outcome.deadLetters)) context.stderr.write(`affidavit: ${line}\n`);
	if (outcome.undelivered > 0)
		context.stderr.write(
			`affidavit: the webhook has not taken ${outcome.undelivered} findings; the same command tries again\n`,
		);
	if (outcome.sessions.length === 0) context.stderr.write('affidavit: no build session in the input\n');
	for (const session of outcome.sessions) print(session);
	if (outcome.sessions.some((s) => s.verdict !== 'passed')) context.exit(exitNegative);
}
