import type { Command } from 'commander';
import { type CliContext, type CommonOptions, commonOptions, examples, jsonLine } from '../context.ts';
import { exitNegative } from '../errors.ts';

export function registerDoctor(program: Command, context: CliContext): void {
	commonOptions(program.command('doctor'))
		.description('check kernel, Tetragon, policies and this host, and say what to do')
		.addHelpText(
			'after',
			`${examples('affidavit doctor', 'sudo affidavit doctor --json')}\nExit code 1 when a check failed.\n`,
		)
		.action(async (options: CommonOptions) => {
			const [{ config }, { runDoctor }, { hostProbes }, { renderReport }] = await Promise.all([
				context.loadConfig(options),
				import('./doctor.ts'),
				import('./probe-host.ts'),
				import('./render.ts'),
			]);
			const { source } = config;
			const report = await runDoctor(hostProbes, {
				dataDir: config.dataDir,
				logBytesMax: config.limits.logBytesMax,
				source:
					source?.path !== undefined
						? { kind: 'export', path: source.path }
						: source?.address !== undefined
							? { kind: 'grpc', address: source.address }
							: null,
				metricsUrl: source?.metricsUrl ?? null,
			});
			context.stdout.write(options.json ? jsonLine(report) : renderReport(report));
			if (report.status === 'fail') context.exit(exitNegative);
		});
}
