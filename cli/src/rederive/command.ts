import type { Command } from 'commander';
import { type CliContext, type CommonOptions, commonOptions, examples, jsonLine } from '../context.ts';
import { exitNegative, exitUsage } from '../errors.ts';
import { collecting, readableFile } from '../option-values.ts';
import { createProgress } from '../progress.ts';

interface RederiveOptions extends CommonOptions {
	out?: string;
	publicKey?: string[];
}

export function registerRederive(program: Command, context: CliContext): void {
	commonOptions(
		program
			.command('rederive')
			.argument('<session|gitoid>', 'session id or its beginning, or the gitoid of an envelope'),
	)
		.description(
			"compute a session's statements again from the trace and compare them byte for byte with the signed ones",
		)
		.option('--out <dir>', 'folder of the signed attestations')
		.option(
			'--public-key <file>',
			"key that signed them (SPKI PEM; default: the data folder's); repeatable",
			collecting(readableFile),
		)
		.addHelpText(
			'after',
			`
Reads topic trace of the fleet (kafka of the configuration), else the log of \`affidavit up\` in the data folder. Rules, indicators
and the repository's manifest are the snapshots that the statement pins; the host's signatures and its chain are checked on the way.
Exit code: 0 equal, 1 differs (the first differing place of each statement is shown), 2 cannot be told, with what is missing: a
trace that retention has taken or that was altered, a snapshot, a host's key (docs/replay.md).
${examples(
	'affidavit rederive 3f9c',
	'affidavit rederive gitoid:blob:sha256:84ef… --public-key signing.pub.pem',
	'affidavit rederive 3f9c --config /etc/affidavit/affidavit.yaml --json | jq .statements',
)}`,
		)
		.action(async (target: string, options: RederiveOptions) => run(target, options, context));
}

async function run(target: string, options: RederiveOptions, context: CliContext): Promise<void> {
	const flags = options.out === undefined ? [] : [{ path: ['outDir'], value: options.out, flag: '--out' }];
	const { config } = await context.loadConfig(options, flags);
	const { createEmit } = await import('@affidavit/stream/internal-event.ts');
	const { createLogger } = await import('@affidavit/stream/logger.ts');
	const { createMetrics } = await import('@affidavit/stream/metrics.ts');
	const { boundHeap } = await import('../heap.ts');
	const { interruptible } = await import('../interrupt.ts');
	const { openPast } = await import('../replay/past.ts');
	const { pastBlobs } = await import('../replay/past-blobs.ts');
	const { matchersOf } = await import('../settings.ts');
	const { readPublicKeys } = await import('../verify/inputs.ts');
	const { notPinnedLine, renderRederived } = await import('./render.ts');
	const { rederive } = await import('./run.ts');
	const { signingKeysOf } = await import('./signing-keys.ts');
	boundHeap();
	const emit = createEmit(createLogger({ level: config.log.level }), createMetrics().registry);
	const publicKeys = await readPublicKeys(options.publicKey ?? (await signingKeysOf(config)));
	const matchers = await matchersOf(config);
	const blobs = await pastBlobs(config);
	const json = options.json === true;
	const progress = createProgress({ label: 'reading', unit: 'records', json, stream: context.stderr });
	const result = await interruptible(async (signal) => {
		const past = await openPast({ config, env: context.env, emit, signal });
		if (past === null) return null;
		try {
			return await rederive({ target, past, config, matchers, blobs, publicKeys, signal, progress: progress.update });
		} finally {
			await past.close();
		}
	}).finally(() => progress.stop());
	if (result === null) return context.exit(exitUsage);
	if (publicKeys.length === 0)
		context.stderr.write('affidavit: signatures are not checked: no key in the data folder; give --public-key\n');
	context.stderr.write(`affidavit: ${notPinnedLine(result)}\n`);
	context.stdout.write(json ? jsonLine(result) : renderRederived(result));
	if (result.outcome !== 'equal') context.exit(result.outcome === 'differs' ? exitNegative : exitUsage);
}
