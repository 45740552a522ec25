import type { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import type { FlagValue } from '../config/resolve.ts';
import { type CliContext, type CommonOptions, commonOptions, examples, jsonLine } from '../context.ts';
import { CliError, exitNegative } from '../errors.ts';
import { collecting, readableFile, wholeNumber } from '../option-values.ts';
import type { AgentNews } from './run.ts';

interface AgentOptions extends CommonOptions {
	export?: string;
	grpc?: string;
	metricsUrl?: string;
	file?: string[];
	metrics?: string[];
	host?: string;
	opsPort?: number;
}

export function registerAgent(program: Command, context: CliContext): void {
	commonOptions(
		program
			.command('agent')
			.description("a fleet's build host: read Tetragon, sign, spool on disk, send to the brokers"),
	)
		.option('--export <file>', "Tetragon's export file (lossless over restarts)")
		.option('--grpc <address>', "Tetragon's gRPC: unix:///PATH or tcp://HOST:PORT (TLS: source.tls; no resume)")
		.option('--metrics-url <url>', "Tetragon's metrics endpoint, for its loss counters")
		.option(
			'--file <file...>',
			'recorded export files instead, plain or gzip; ends when all is acknowledged',
			collecting(readableFile),
		)
		.option(
			'--metrics <file>',
			"with --file: scrapes of Tetragon's metrics in order of time; repeatable",
			collecting(readableFile),
		)
		.option('--host <name>', "this host's enrolled name (default: the node name of its events)")
		.option(
			'--ops-port <n>',
			'port of /healthz, /readyz and /metrics (default: 9464; none with --file)',
			wholeNumber(0, 65_535),
		)
		.addHelpText(
			'after',
			`
The host's key is agent.keyFile (default: dataDir/keys/host.pem, made on first use or by \`affidavit keys create host\`). Have it
enrolled first (\`affidavit hosts enroll\`): what an unknown key has signed is refused downstream and not sent again. While the
brokers are away the spool takes what is read, up to agent.spoolBytesMax; nothing is dropped by the agent. SIGTERM stops reading,
sends for at most agent.drainMsMax and exits 0; what stays in the spool is said, and sent by the next run.
Exit code: 0 done, or ended when told; 1 with --file, when it was stopped before everything was acknowledged (the same command
goes on from there); 2 a missing or exposed key, a spool in use; 78 wrong configuration.
With --json one object a line: {"event":"started",…}, "listening", "sent" (with --file), "stopped"; diagnostics go to stderr.
${examples(
	'affidavit agent --export /var/log/tetragon/tetragon.log --metrics-url http://127.0.0.1:2112/metrics',
	'affidavit agent --config /etc/affidavit/affidavit.yaml --json',
	'affidavit agent --file tetragon.log.gz --metrics before.txt --metrics after.txt',
)}`,
		)
		.action((options: AgentOptions) => start(options, context));
}

async function start(options: AgentOptions, context: CliContext): Promise<void> {
	const live = options.export ?? options.grpc ?? options.metricsUrl;
	if (options.file !== undefined && live !== undefined)
		throw new CliError('usage', '--file: expected no --export, --grpc or --metrics-url beside it');
	if (options.file === undefined && options.metrics !== undefined)
		throw new CliError('usage', '--metrics: expected only with --file; a live Tetragon has --metrics-url');
	const { config } = await context.loadConfig(options, flagsOf(options));
	const { createEmit } = await import('@affidavit/stream/internal-event.ts');
	const { createLogger } = await import('@affidavit/stream/logger.ts');
	const { createMetrics } = await import('@affidavit/stream/metrics.ts');
	const { boundHeap } = await import('../heap.ts');
	const { interruptible } = await import('../interrupt.ts');
	const { runAgent } = await import('./run.ts');
	boundHeap();
	const metrics = createMetrics({ processMetrics: true });
	const emit = createEmit(createLogger({ level: config.log.level }), metrics.registry);
	let unfinished = false;
	const tell = (news: AgentNews): void => {
		if (news.event === 'stopped' && options.file !== undefined) unfinished = true;
		if (options.json) context.stdout.write(jsonLine(news));
		else for (const line of inWords(news)) context.stderr.write(`affidavit: ${line}\n`);
	};
	const backfill = options.file === undefined ? null : { files: options.file, metrics: options.metrics ?? [] };
	const { env } = context;
	await interruptible((signal) =>
		runAgent({ config, env, emit, metrics, version: packageJson.version, signal, tell, backfill }),
	);
	// A service manager stops a service; who waits for files wants to know that they were not all sent.
	if (unfinished) context.exit(exitNegative);
}

function inWords(news: AgentNews): string[] {
	switch (news.event) {
		case 'started': {
			const lines = [`reading ${news.source}; spool ${news.spool}; key ${news.keyId}`];
			if (news.newPublicKeyFile !== null)
				lines.push(
					`made a new key for this host; until its public half, ${news.newPublicKeyFile}, is enrolled (\`affidavit hosts enroll HOST --public-key FILE\`), all it sends is refused and not sent again`,
				);
			return lines;
		}
		case 'listening':
			return [`${news.url}/readyz says whether the brokers take what is sent`];
		case 'sent': {
			const { summary } = news;
			if (summary === null) return ['the brokers have acknowledged these files before'];
			const lines = [
				`the brokers have acknowledged ${summary.events} events in ${summary.batches} batches and ${summary.deadLetters} dead letters`,
			];
			return lines.concat(summary.notes);
		}
		case 'stopped':
			return news.unsentRecords === 0
				? ['stopped; the spool is empty']
				: [`stopped; ${news.unsentRecords} records (${news.unsentBytes} bytes) stay in the spool for the next run`];
	}
}

function flagsOf(options: AgentOptions): FlagValue[] {
	const flags: FlagValue[] = [];
	const add = (path: readonly string[], value: unknown, flag: string): void => void flags.push({ path, value, flag });
	if (options.export !== undefined) {
		add(['source', 'kind'], 'export', '--export');
		add(['source', 'path'], options.export, '--export');
	}
	if (options.grpc !== undefined) {
		add(['source', 'kind'], 'grpc', '--grpc');
		add(['source', 'address'], options.grpc, '--grpc');
	}
	if (options.metricsUrl !== undefined) add(['source', 'metricsUrl'], options.metricsUrl, '--metrics-url');
	if (options.host !== undefined) add(['agent', 'host'], options.host, '--host');
	if (options.opsPort !== undefined) add(['ops', 'port'], options.opsPort, '--ops-port');
	return flags;
}
