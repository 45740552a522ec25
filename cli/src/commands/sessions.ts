import { type Command, Option } from 'commander';
import { type CliContext, type CommonOptions, commonOptions, examples, jsonLine } from '../context.ts';
import { CliError } from '../errors.ts';
import { wholeNumber } from '../option-values.ts';
import type { SessionSummary } from '../sessions/summary.ts';

const limitDefault = 50;
const limitMax = 100_000;
const idCharsShown = 12;

interface SessionsOptions extends CommonOptions {
	verdict?: SessionSummary['verdict'];
	limit: number;
}

export function registerSessions(program: Command, context: CliContext): void {
	commonOptions(program.command('sessions'))
		.description('list the sessions in the data folder, newest first')
		.addOption(new Option('--verdict <verdict>', 'only those').choices(['passed', 'failed', 'incomplete']))
		.addOption(new Option('--limit <n>', 'at most so many').argParser(wholeNumber(1, limitMax)).default(limitDefault))
		.addHelpText('after', examples('affidavit sessions', 'affidavit sessions --verdict failed --json'))
		.action(async (options: SessionsOptions) => {
			const { config } = await context.loadConfig(options);
			const { readSummary, sessionIds } = await import('../sessions/store.ts');
			const all: SessionSummary[] = [];
			for (const id of await sessionIds(config.dataDir)) {
				try {
					all.push(await readSummary(config.dataDir, id));
				} catch (error) {
					// One broken summary must not hide the others.
					if (!(error instanceof CliError)) throw error;
					context.stderr.write(`affidavit: ${error.message}\n`);
					context.exit(error.exitCode);
				}
			}
			const chosen = all
				.filter((s) => options.verdict === undefined || s.verdict === options.verdict)
				.sort((a, b) => (a.startedAt < b.startedAt ? 1 : a.startedAt > b.startedAt ? -1 : 0));
			const shown = chosen.slice(0, options.limit);
			if (options.json) for (const summary of shown) context.stdout.write(jsonLine(summary));
			else await printTable(shown, context);
			if (chosen.length > shown.length)
				context.stderr.write(`${chosen.length - shown.length} more; --limit ${chosen.length} shows them\n`);
			if (all.length === 0)
				context.stderr.write(
					config.kafka.brokers.length > 0
						? "no sessions are kept here: a fleet's are in its topics; `affidavit replay --from 24h --to now` lists them\n"
						: `no sessions in ${config.dataDir}; \`affidavit process\` and \`affidavit up\` make them\n`,
				);
		});
}

async function printTable(summaries: readonly SessionSummary[], context: CliContext): Promise<void> {
	if (summaries.length === 0) return;
	const { clipped } = await import('../text/printable.ts');
	const { table } = await import('../text/table.ts');
	const rows = summaries.map((s) => [
		s.session.slice(0, idCharsShown),
		s.startedAt,
		s.verdict,
		String(s.findings.length),
		clipped(s.host, 30),
		clipped(s.ciRunId ?? '-', 30),
		clipped(`${s.root.binary} ${s.root.arguments}`, 60),
	]);
	context.stdout.write(table([['SESSION', 'STARTED', 'VERDICT', 'FINDINGS', 'HOST', 'RUN', 'ROOT'], ...rows]));
}
