import type { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import type { FlagValue } from '../config/resolve.ts';
import { type CliContext, type CommonOptions, commonOptions, examples } from '../context.ts';
import { wholeNumber } from '../option-values.ts';
import { type RunOptions, runFlags, runOptions } from '../run-options.ts';

interface UpOptions extends CommonOptions, RunOptions {
	export?: string;
	grpc?: string;
	metricsUrl?: string;
	opsPort?: number;
}

export function registerUp(program: Command, context: CliContext): void {
	const command = program.command('up').description('watch a live Tetragon: judge, sign and alert until stopped');
	runOptions(commonOptions(command))
		.option('--export <file>', "Tetragon's export file (lossless over restarts)")
		.option('--grpc <address>', "Tetragon's gRPC: unix:///PATH or tcp://HOST:PORT (TLS: source.tls; no resume)")
		.option('--metrics-url <url>', "Tetragon's metrics endpoint, for its loss counters")
		.option(
			'--ops-port <n>',
			'port of /healthz, /readyz and /metrics; 0 takes a free one (default: none)',
			wholeNumber(0, 65_535),
		)
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
			const started = await startRun(context, config, options.json === true, { processMetrics: true });
			const watched = config.source?.path ?? config.source?.address ?? 'nothing';
			context.stderr.write(`affidavit: watching ${watched}; attestations go to ${config.outDir}\n`);
			const { emit, metrics, settings, print: tell } = started;
			const run = { config, env: context.env, version: packageJson.version, settings, emit, metrics, tell };
			await interruptible((signal) => runUp({ ...run, signal }));
		});
}

function sourceFlags(options: UpOptions): FlagValue[] {
	const flags: FlagValue[] = [];
	if (options.opsPort !== undefined) flags.push({ path: ['ops', 'port'], value: options.opsPort, flag: '--ops-port' });
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
