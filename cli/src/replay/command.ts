import type { Command } from 'commander';
import type { FlagValue } from '../config/resolve.ts';
import { type CliContext, type CommonOptions, commonOptions, examples, jsonLine } from '../context.ts';
import { CliError, exitNegative } from '../errors.ts';
import { collecting, readableFile, repository } from '../option-values.ts';
import { createProgress } from '../progress.ts';
import { sessionIdPattern } from '../sessions/summary.ts';
import type { ReplayedSession } from './report.ts';
import { duration, timeOption } from './window.ts';

interface ReplayOptions extends CommonOptions {
	from: number;
	to: number;
	host?: string;
	session?: string;
	rules?: string;
	indicators?: string[];
	repo?: { name: string; location: string }[];
	longest?: number;
	changed?: boolean;
}

export function registerReplay(program: Command, context: CliContext): void {
	const time = timeOption(Date.now());
	commonOptions(program.command('replay'))
		.description("what today's rules would have found in the past, next to what was found then; nobody is alerted")
		.requiredOption(
			'--from <time>',
			'sessions that opened from then on: 2026-11-20T08:00:00Z, 2026-11-20, or how long ago (24h)',
			time,
		)
		.requiredOption('--to <time>', 'and before then: the same, or now', time)
		.option('--host <name>', 'of this host only')
		.option('--session <id>', 'this session only: its id, or the beginning of it')
		.option('--rules <dir>', 'folder of detection rules, in place of rulesDir of the configuration')
		.option(
			'--indicators <file>',
			'known-bad digests, one sha256:HEX a line, beside those of the configuration; repeatable',
			collecting(readableFile),
		)
		.option(
			'--repo <name=location>',
			'what builds call their repository, and where it is; repeatable',
			collecting(repository),
		)
		.option(
			'--longest <duration>',
			'longest session: so much more is read before and after (default: sessionMaxMs)',
			duration,
		)
		.option('--changed', 'print only sessions whose answer is another one today')
		.addHelpText(
			'after',
			`
Reads topic trace of the fleet (kafka of the configuration), else the log of \`affidavit up\` in the data folder, which may be
running. Times are the log's own. A + marks a finding of today's rules alone, a - one of then alone, a = one of both.
With --json one object a session and line, in the order in which they closed (docs/replay.md). Exit code: 0, or 1 when
interrupted (what is known until then is printed).
${examples(
	'affidavit replay --from 24h --to now',
	'affidavit replay --from 2026-11-20 --to 2026-11-21 --host build-7 --rules new-rules/ --changed',
	'affidavit replay --from 7d --to now --indicators just-learned.txt --json | jq \'select(any(.findings[]; .mark == "new"))\'',
)}`,
		)
		.action(async (options: ReplayOptions) => replay(options, context));
}

function flagsOf(options: ReplayOptions): FlagValue[] {
	const flags: FlagValue[] = (options.repo ?? []).map(({ name, location }) => ({
		path: ['repositories', name],
		value: location,
		flag: '--repo',
	}));
	if (options.rules !== undefined) flags.push({ path: ['rulesDir'], value: options.rules, flag: '--rules' });
	return flags;
}

async function replay(options: ReplayOptions, context: CliContext): Promise<void> {
	const { from: fromUs, to: toUs, host = null, session = null } = options;
	if (toUs <= fromUs) throw new CliError('usage', '--to: expected a time after --from');
	if (session !== null && !sessionIdPattern.test(session))
		throw new CliError('usage', '--session: expected a session id or its beginning, lower-case hex');
	const { config: configured } = await context.loadConfig(options, flagsOf(options));
	const config = { ...configured, indicators: [...configured.indicators, ...(options.indicators ?? [])] };
	const { createEmit } = await import('@affidavit/stream/internal-event.ts');
	const { createLogger } = await import('@affidavit/stream/logger.ts');
	const { createMetrics } = await import('@affidavit/stream/metrics.ts');
	const { boundHeap } = await import('../heap.ts');
	const { interruptible } = await import('../interrupt.ts');
	const { indicatorsOf, matchersOf, rulesOf } = await import('../settings.ts');
	const { openPast } = await import('./past.ts');
	const { pastBlobs } = await import('./past-blobs.ts');
	const { emptyTotals, endLines, renderReplayed } = await import('./render.ts');
	const { isChanged } = await import('./report.ts');
	const { runReplay } = await import('./run.ts');
	const { windowOf } = await import('./window.ts');
	boundHeap();
	const emit = createEmit(createLogger({ level: config.log.level }), createMetrics().registry);
	const settings = {
		rules: rulesOf(config),
		indicators: await indicatorsOf(config),
		matchers: await matchersOf(config),
		blobs: await pastBlobs(config),
	};
	const totals = emptyTotals();
	const tell = (found: ReplayedSession): void => {
		const changed = isChanged(found);
		totals.sessions += 1;
		if (changed) totals.changed += 1;
		if (found.cut !== null) totals.cut += 1;
		for (const { mark } of found.findings) totals[`${mark}Findings`] += 1;
		if (options.changed && !changed) return;
		context.stdout.write(options.json ? jsonLine(found) : renderReplayed(found));
	};
	const progress = createProgress({
		label: 'replaying',
		unit: 'records',
		json: options.json === true,
		stream: context.stderr,
	});
	const end = await interruptible(async (signal) => {
		const past = await openPast({ config, env: context.env, emit, signal });
		if (past === null) return null;
		try {
			const window = windowOf({ fromUs, toUs }, config, options.longest);
			return await runReplay({
				...settings,
				past,
				config,
				window,
				host,
				session,
				signal,
				tell,
				progress: progress.update,
			});
		} finally {
			await past.close();
		}
	}).finally(() => progress.stop());
	if (end !== null) for (const line of endLines(end, totals)) context.stderr.write(`affidavit: ${line}\n`);
	if (end === null || !end.whole) context.exit(exitNegative);
}
