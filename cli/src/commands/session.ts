import type { Command } from 'commander';
import { type CliContext, type CommonOptions, commonOptions, examples, jsonLine } from '../context.ts';

export function registerSession(program: Command, context: CliContext): void {
	const session = program.command('session').description('one session in detail');
	commonOptions(session.command('show').argument('<id>', 'session id, or its beginning'))
		.description('process tree, files by tool, network, findings, completeness')
		.option('--out <dir>', 'folder of the signed attestations')
		.option('--all', 'everything: forks, files outside the workspace, whole digests')
		.addHelpText(
			'after',
			examples(
				'affidavit session show 3f9c',
				'affidavit session show 3f9c --all | less',
				'affidavit session show 3f9c --json',
			),
		)
		.action(async (id: string, options: CommonOptions & { out?: string; all?: boolean }) => {
			const flags = options.out === undefined ? [] : [{ path: ['outDir'], value: options.out, flag: '--out' }];
			const { config } = await context.loadConfig(options, flags);
			const { findSession } = await import('../sessions/store.ts');
			const { readTrace } = await import('../sessions/trace.ts');
			const summary = await findSession(config.dataDir, id);
			const result = await readTrace(summary, config.outDir);
			if (result.kind === 'absent') context.stderr.write(`affidavit: ${result.reason}; only the summary is shown\n`);
			const trace = result.kind === 'trace' ? result.trace : null;
			if (options.json) context.stdout.write(jsonLine({ ...summary, trace }));
			else {
				const { renderSession } = await import('../sessions/render.ts');
				context.stdout.write(renderSession(summary, trace, { all: options.all === true }));
			}
		});
}
