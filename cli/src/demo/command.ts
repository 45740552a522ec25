import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type CliContext, type CommonOptions, commonOptions, examples } from '../context.ts';
import { exitNegative } from '../errors.ts';
import { makeFolder } from '../files.ts';
import { createProgress, megabytes } from '../progress.ts';
import { bundleOf, eventsOf, type Story, stories } from './stories.ts';

const demoData = join('.affidavit', 'demo');

export function registerDemo(program: Command, context: CliContext): void {
	commonOptions(program.command('demo'))
		.description('play three recorded builds: a swapped source, a trojaned compiler, a clean build')
		.addHelpText(
			'after',
			`
Needs nothing but this folder: no server, no account, no network. Writes to ${demoData} unless --data is given.
Exit code: 0 when every build got the verdict it deserves, 1 otherwise.
${examples('affidavit demo', 'affidavit demo --json')}`,
		)
		.action(async (options: CommonOptions) => {
			const data = options.data ?? join(context.cwd, demoData);
			const say = (text: string): void => void (options.json ? context.stderr : context.stdout).write(text);
			let right = true;
			for (const [index, story] of stories.entries()) {
				say(`\n${index + 1}. ${story.title}\n   ${story.scene}\n\n`);
				right = (await play(context, { ...options, data }, story, index)) && right;
			}
			say(
				right
					? 'Every build got the verdict it deserves. Your own: npx affidavit process FILE --repo NAME=LOCATION\n'
					: 'A build got another verdict than it deserves: this is a bug.\n',
			);
			if (!right) context.exit(exitNegative);
		});
}

/** True when the story got the verdict it deserves. */
async function play(
	context: CliContext,
	options: CommonOptions & { data: string },
	story: Story,
	index: number,
): Promise<boolean> {
	const { config } = await context.loadConfig(options);
	const { startRun } = await import('../run-start.ts');
	const { processFiles } = await import('../process/run.ts');
	config.repositories = { [story.repository]: bundleOf(story) };
	config.indicators = await indicatorFile(options.data, story, index);
	// The demo posts nothing anywhere, whatever the configuration says.
	config.webhook = null;
	const { emit, settings, print } = await startRun(context, config, options.json === true);
	const progress = createProgress({
		label: 'reading',
		unit: 'MB',
		json: options.json === true,
		stream: context.stderr,
	});
	const outcome = await processFiles({
		files: [eventsOf(story)],
		metrics: [],
		config,
		settings,
		emit,
		progress: (done, total) => progress.update(megabytes(done), megabytes(total)),
	}).finally(() => progress.stop());
	const sessions = outcome?.sessions ?? [];
	for (const session of sessions) print(session);
	return sessions.length === 1 && sessions[0]?.verdict === story.expected;
}

async function indicatorFile(data: string, story: Story, index: number): Promise<string[]> {
	if (story.indicators.length === 0) return [];
	await makeFolder(data, 0o700);
	const file = join(data, `indicators-${index + 1}.txt`);
	await writeFile(file, `${story.indicators.join('\n')}\n`);
	return [file];
}
