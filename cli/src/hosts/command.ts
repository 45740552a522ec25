import { hostname, userInfo } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type CliContext, type CommonOptions, commonOptions, examples, jsonLine } from '../context.ts';
import { CliError } from '../errors.ts';
import { table } from '../text/table.ts';
import type { HostChange, NewKey } from './change.ts';
import { describeKeys, keyRows } from './describe.ts';

interface KeyOptions extends CommonOptions {
	keyOut?: string;
	publicKey?: string;
	validFrom?: number;
	validTo?: number;
	oldValidTo?: number;
}

interface RevokeOptions extends CommonOptions {
	keyId?: string;
	reason: string;
	at?: number;
}

const reasonCharsMax = 500;
const hostPattern = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/;
/** The brokers' clocks judge, and may be behind the operator's. */
const clockMarginUs = 60_000_000;

export function registerHosts(program: Command, context: CliContext): void {
	const hosts = program.command('hosts').description("the fleet's hosts: which key each may sign its events with");

	withKey(commonOptions(hosts.command('enroll')))
		.argument('<host>', 'node name, as its events say', hostName)
		.description('let a host sign with a key')
		.addHelpText('after', keyHelp('enroll', 'affidavit hosts enroll build-7 --key-out build-7.pem'))
		.action((host: string, options: KeyOptions) =>
			enrollKey(context, host, options, (key) => ({ kind: 'enroll', key }), 'enrolled'),
		);

	withKey(commonOptions(hosts.command('rotate')))
		.argument('<host>', 'node name', hostName)
		.description('give a host a new key; its others end after a while')
		.option(
			'--old-valid-to <time>',
			'when the other keys end (default: now and the longest outage, kafka.outageMsMax)',
			time,
		)
		.addHelpText('after', keyHelp('rotate', 'affidavit hosts rotate build-7 --key-out build-7-2027.pem'))
		.action((host: string, options: KeyOptions) =>
			enrollKey(
				context,
				host,
				options,
				(key, outageMsMax) => ({
					kind: 'rotate',
					key,
					oldValidToUs: options.oldValidTo ?? (Date.now() + outageMsMax) * 1000,
				}),
				'rotated',
			),
		);

	commonOptions(hosts.command('revoke'))
		.argument('<host>', 'node name', hostName)
		.description("refuse a host's batches from now on")
		.option('--key-id <id>', 'that key alone, as `hosts list` shows it (default: all of the host)', keyId)
		.addOption(new Option('--reason <text>', 'for those who ask later').makeOptionMandatory().argParser(reason))
		.option('--at <time>', 'since when (default: now): what the brokers took from then on counts no more', time)
		.addHelpText(
			'after',
			`
Effective within a second in every running service. What the host has spooled and not sent is refused too.
Exit code: 0 done, or there already; 2 no such host or key, or the brokers are away; 78 wrong configuration.
${examples(
	'affidavit hosts revoke build-7 --reason "stolen disk"',
	'affidavit hosts revoke build-7 --key-id 3f9c… --reason "rotated early" --at 2027-01-31T12:00:00Z',
)}`,
		)
		.action((host: string, options: RevokeOptions) => revoke(context, host, options));

	commonOptions(hosts.command('list'))
		.description('list hosts, keys and until when they count')
		.addHelpText(
			'after',
			examples('affidavit hosts list', 'affidavit hosts list --json | jq \'select(.state == "revoked")\''),
		)
		.action((options: CommonOptions) => list(context, options));
}

const withKey = (command: Command): Command =>
	command
		.option('--key-out <file>', 'make a key pair: the private key to FILE (0600), the public one beside it')
		.option('--public-key <file>', 'public key that was made on the host, SPKI PEM')
		.option('--valid-from <time>', 'first time at which it counts (default: now)', time)
		.option('--valid-to <time>', 'from then on it counts no more (default: open)', time);

const keyHelp = (verb: string, example: string): string => `
Times are RFC 3339, and are compared with the brokers' clocks. Records are sealed with the operator's key
(dataDir/keys/operator.pem, \`affidavit keys service operator\`); without kafka.brokers the log of \`affidavit up\` is used.
Exit code: 0 done, or there already; 2 refused, or the brokers are away; 78 wrong configuration.
${examples(example, `affidavit hosts ${verb} build-7 --public-key build-7.pub.pem --valid-to 2027-12-31T00:00:00Z --json`)}`;

type Open = NonNullable<Awaited<ReturnType<typeof import('./open-topic.ts')['openHostsTopic']>>>;

async function withTopic<T>(
	context: CliContext,
	options: CommonOptions,
	write: boolean,
	use: (topic: Open, outageMsMax: number) => Promise<T>,
): Promise<T | null> {
	const { config } = await context.loadConfig(options);
	const { createEmit } = await import('@affidavit/stream/internal-event.ts');
	const { createLogger } = await import('@affidavit/stream/logger.ts');
	const { createMetrics } = await import('@affidavit/stream/metrics.ts');
	const { interruptible } = await import('../interrupt.ts');
	const { openHostsTopic } = await import('./open-topic.ts');
	const emit = createEmit(createLogger({ level: config.log.level }), createMetrics().registry);
	return interruptible(async (signal) => {
		const topic = await openHostsTopic({ config, env: context.env, emit, write, signal });
		if (topic === null) return null;
		try {
			return await use(topic, config.kafka.outageMsMax);
		} finally {
			await topic.close();
		}
	});
}

async function enrollKey(
	context: CliContext,
	host: string,
	options: KeyOptions,
	changeOf: (key: NewKey, outageMsMax: number) => HostChange,
	done: string,
): Promise<void> {
	if ((options.keyOut === undefined) === (options.publicKey === undefined))
		throw new CliError('usage', 'expected exactly one of --key-out FILE and --public-key FILE');
	const { makeHostKey, readPublicKey, removeHostKey } = await import('./key-files.ts');
	await withTopic(context, options, true, async (topic, outageMsMax) => {
		const key =
			options.publicKey === undefined
				? await makeHostKey(options.keyOut as string)
				: await readPublicKey(options.publicKey);
		const validFromUs = options.validFrom ?? Date.now() * 1000 - clockMarginUs;
		if (options.validTo !== undefined && options.validTo <= validFromUs)
			throw new CliError('usage', '--valid-to: expected a time after --valid-from');
		const { keyId, publicKeyPem } = key;
		const enrolledBy = `${userInfo().username}@${hostname()}`;
		const change = changeOf(
			{ keyId, publicKeyPem, validFromUs, validToUs: options.validTo ?? -1, enrolledBy },
			outageMsMax,
		);
		try {
			await apply(context, topic, host, change, options, done);
		} catch (error) {
			// A key that no host may use is not left lying about.
			if (error instanceof CliError && options.keyOut !== undefined) await removeHostKey(options.keyOut);
			throw error;
		}
		if (options.keyOut !== undefined)
			context.stderr.write(`affidavit: carry ${options.keyOut} to ${host} as its agent.keyFile, and remove it here\n`);
	});
}

async function revoke(context: CliContext, host: string, options: RevokeOptions): Promise<void> {
	await withTopic(context, options, true, (topic) =>
		apply(
			context,
			topic,
			host,
			{
				kind: 'revoke',
				keyId: options.keyId ?? null,
				atUs: options.at ?? Date.now() * 1000,
				reason: options.reason,
			},
			options,
			'revoked',
		),
	);
}

async function apply(
	context: CliContext,
	topic: Open,
	host: string,
	change: HostChange,
	options: CommonOptions,
	done: string,
): Promise<void> {
	const { changeHost } = await import('./topic.ts');
	const result = await changeHost(topic, host, change, Date.now(), Math.random);
	if (result.kind === 'refused') throw new CliError('usage', result.message);
	const keys = describeKeys(result.keys, Date.now() * 1000);
	if (options.json) for (const key of keys) context.stdout.write(jsonLine(key));
	else {
		context.stdout.write(table(keyRows(keys)));
		context.stderr.write(`affidavit: ${host}: ${result.kind === 'changed' ? done : 'nothing to change'}\n`);
	}
}

async function list(context: CliContext, options: CommonOptions): Promise<void> {
	const { readHosts } = await import('./topic.ts');
	await withTopic(context, options, false, async (topic) => {
		const { hosts, refused } = await readHosts(topic);
		const keys = hosts.flatMap((host) => describeKeys(host, Date.now() * 1000));
		if (options.json) for (const key of keys) context.stdout.write(jsonLine(key));
		else if (keys.length > 0) context.stdout.write(table(keyRows(keys)));
		else context.stderr.write('affidavit: no host is enrolled; `affidavit hosts enroll` does it\n');
		const { clipped } = await import('../text/printable.ts');
		for (const { offset, host, code, message } of refused)
			context.stderr.write(
				`affidavit: record ${offset} of ${clipped(host, 80)} does not count (${code}): ${clipped(message, 300)}\n`,
			);
	});
}

function hostName(text: string): string {
	if (!hostPattern.test(text)) throw new InvalidArgumentError('expected a host name: letters, digits, dot, dash.');
	return text;
}

function keyId(text: string): string {
	if (!/^[0-9a-f]{64}$/.test(text)) throw new InvalidArgumentError('expected 64 hex digits.');
	return text;
}

function reason(text: string): string {
	const trimmed = text.trim();
	if (trimmed === '' || trimmed.length > reasonCharsMax)
		throw new InvalidArgumentError(`expected 1 to ${reasonCharsMax} characters.`);
	return trimmed;
}

/** Microseconds since 1970. */
function time(text: string): number {
	const full = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})$/.test(text);
	const ms = full ? Date.parse(text) : Number.NaN;
	if (!(ms >= 0)) throw new InvalidArgumentError('expected a time, as 2027-01-31T12:00:00Z.');
	return Math.trunc(ms * 1000);
}
