import type { Command } from 'commander';
import { type CliContext, type CommonOptions, commonOptions, examples, jsonLine } from '../context.ts';

export function registerConfig(program: Command, context: CliContext): void {
	const config = program.command('config').description('the configuration in force');
	commonOptions(config.command('print'))
		.description('print the configuration in force, secrets masked; a wrong one exits 78 and names the key')
		.option('--origins', 'say where each value came from: flag, environment, file, default')
		.addHelpText(
			'after',
			examples(
				'affidavit config print --origins',
				'AFFIDAVIT_LOG__LEVEL=debug affidavit config print --json',
				'affidavit config print --config /etc/affidavit/affidavit.yaml',
			),
		)
		.action(async (options: CommonOptions & { origins?: boolean }) => {
			const loaded = await context.loadConfig(options);
			const { configJson, configYaml } = await import('../config/print.ts');
			const origins = options.origins ? loaded.origins : null;
			context.stdout.write(
				options.json ? jsonLine(configJson(loaded.config, origins)) : configYaml(loaded.config, origins),
			);
		});
}
