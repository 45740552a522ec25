import type { Command } from 'commander';
import type { FlagValue } from '../config/resolve.ts';
import { type CliContext, type CommonOptions, commonOptions, examples } from '../context.ts';
import { type RunOptions, runFlags, runOptions } from '../run-options.ts';

interface UpOptions extends CommonOptions, RunOptions {
	export?: string;
	grpc?: string;
	metricsUrl?: string;
}

export function registerUp(program: Command, context: CliContext): void {
	const command = program.command('up').description('watch a live Tetragon: judge, sign and alert until stopped');
	runOptions(commonOptions(command))
		.option('--export <file>', "Tetragon's export file (lossless over restarts)")
		.option('--grpc <address>', "Tetragon's socket, unix:///var/run/tetragon/tetragon.sock (no resume)")
		.option('--metrics-url <url>', "Tetragon's metrics endpoint, for its loss counters")
		.addHelpText(
			'after',
			`
Sessions are printed as they close; confirmed findings go to the webhook of the configuration. SIGTERM drains and exits 0.
${examples(
	'affidavit up --export /var/log/tetragon/tetragon.log --metrics-url http://127.0.0.1:2112/metrics',
	'affidavit up --grpc unix:///var/run/tetragon/tetragon.sock --repo example/app=https://git.example.org/app.git',
	'affidavit up --config /etc/affidavit/affidavit.yaml --json',
)}`,
		)
		.action(async (options: UpOptions) => {
			const { config } = await context.loadConfig(options, [...runFlags(options), ...sourceFlags(options)]);
			const { interruptible } = await import('../interrupt.ts');
			const { startRun } = await import('../run-start.ts');
			const { runUp } = await import('./run.ts');
			const { emit, settings, print } = await startRun(context, config, options.json === true);
			const watched = config.source?.path ?? config.source?.address ?? 'nothing';
			context.stderr.write(`affidavit: watching ${watched}; attestations go to ${config.outDir}\n`);
			await interruptible((signal) => runUp({ config, settings, emit, signal, tell: print }));
		});
}

function sourceFlags(options: UpOptions): FlagValue[] {
	const flags: FlagValue[] = [];
	const add = (key: string, value: string, flag: string): void =>
		void flags.push({ path: ['source', key], value, flag });
	if (options.export !== undefined) {
		add('kind', 'export', '--export');
		add('path', options.export, '--export');
	}
	if (options.grpc !== undefined) {
		add('kind', 'grpc', '--grpc');
		add('address', options.grpc, '--grpc');
	}
	if (options.metricsUrl !== undefined) add('metricsUrl', options.metricsUrl, '--metrics-url');
	return flags;
}
