import type { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import type { FlagValue } from '../config/resolve.ts';
import { type CliContext, type CommonOptions, commonOptions, examples, jsonLine } from '../context.ts';
import { wholeNumber } from '../option-values.ts';
import type { ServiceNews } from './run.ts';
import { type ServiceName, serviceNames, services } from './services.ts';

interface ServiceOptions extends CommonOptions {
	opsPort?: number;
	key?: string;
	out?: string;
}

const more: Readonly<Record<ServiceName, string>> = {
	correlate: 'Reads topics trace and host, writes session. Writes ticks for hosts that fall silent.',
	detect:
		'Reads topics session, deadletter and host, writes finding and verdict. Rules, indicators and repositories are those of the configuration.',
	sign: 'Reads topic verdict, writes attestation, and the attestations to outDir. All sign services have one signing key.',
	alert: "Reads topic finding; the webhook is the configuration's.",
};

export function registerService(program: Command, context: CliContext): void {
	const service = program
		.command('service')
		.description('one service of a fleet on Kafka and Redis; any number of each');
	for (const name of serviceNames) registerOne(service, name, context);
	service.addHelpText(
		'after',
		`
A service waits for Kafka and Redis, and outlives their outages; /readyz on ops.port says what is missing. SIGTERM finishes the
batches under way, leaves the group and exits 0; a second signal ends it at once. docs/services.md has the setup.
Exit code: 0 ended when told; 78 wrong configuration; 2 a missing, exposed or untrusted key, unfit topics, a refused principal.
${examples(
	'affidavit keys service correlate detect sign alert operator --trust',
	'affidavit topics apply',
	'affidavit service correlate --config /etc/affidavit/affidavit.yaml',
)}`,
	);
}

function registerOne(service: Command, name: ServiceName, context: CliContext): void {
	const command = commonOptions(service.command(name).description(services[name].about)).option(
		'--ops-port <n>',
		'port of /healthz, /readyz and /metrics; 0 takes a free one (default: 9464)',
		wholeNumber(0, 65_535),
	);
	if (name === 'sign')
		command
			.option('--key <file>', 'signing key, PKCS #8 PEM; the same for all sign services')
			.option('--out <dir>', 'folder of the signed attestations');
	command
		.addHelpText(
			'after',
			`
${more[name]}
With --json one object a line: {"event":"listening","url":…}, {"event":"ready"}, {"event":"stopped"}; diagnostics go to stderr.
Exit code: 0 ended when told; 78 wrong configuration; 2 a missing, exposed or untrusted key, unfit topics, a refused principal.
${examples(
	`affidavit service ${name} --config /etc/affidavit/affidavit.yaml`,
	`affidavit service ${name} --ops-port 0 --json`,
)}`,
		)
		.action(async (options: ServiceOptions) => start(name, options, context));
}

async function start(name: ServiceName, options: ServiceOptions, context: CliContext): Promise<void> {
	const { config } = await context.loadConfig(options, flagsOf(options));
	const { createEmit } = await import('@affidavit/stream/internal-event.ts');
	const { createLogger } = await import('@affidavit/stream/logger.ts');
	const { createMetrics } = await import('@affidavit/stream/metrics.ts');
	const { interruptible } = await import('../interrupt.ts');
	const { runService } = await import('./run.ts');
	const metrics = createMetrics({ processMetrics: true });
	const emit = createEmit(createLogger({ level: config.log.level }), metrics.registry);
	const tell = (news: ServiceNews): void => {
		if (options.json) context.stdout.write(jsonLine(news));
		else context.stderr.write(`affidavit: ${name}: ${inWords(news)}\n`);
	};
	const { env } = context;
	const version = packageJson.version;
	await interruptible((signal) => runService({ name, config, env, emit, metrics, version, signal, tell }));
}

function inWords(news: ServiceNews): string {
	if (news.event === 'listening')
		return news.url === null ? 'started' : `started; ${news.url}/readyz says when it is ready`;
	return news.event;
}

function flagsOf(options: ServiceOptions): FlagValue[] {
	const flags: FlagValue[] = [];
	if (options.opsPort !== undefined) flags.push({ path: ['ops', 'port'], value: options.opsPort, flag: '--ops-port' });
	if (options.key !== undefined) flags.push({ path: ['keyFile'], value: options.key, flag: '--key' });
	if (options.out !== undefined) flags.push({ path: ['outDir'], value: options.out, flag: '--out' });
	return flags;
}
