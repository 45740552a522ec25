import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isInside } from '@affidavit/model/paths.ts';
import { type Command, Option } from 'commander';
import type { PolicyShape } from '../../../policies/tetragon/render.ts';
import type { Config } from '../config/schema.ts';
import { type CliContext, type CommonOptions, commonOptions, examples, jsonLine } from '../context.ts';
import { CliError } from '../errors.ts';
import { makeFolder } from '../files.ts';

interface RenderOptions extends CommonOptions {
	shape: PolicyShape;
	dir?: string;
}

export function registerPolicies(program: Command, context: CliContext): void {
	const policies = program.command('policies').description("Tetragon's TracingPolicies for builds");
	commonOptions(policies.command('render'))
		.description('render the policies for the configured workspaces (docs/tetragon-policies.md)')
		.addOption(
			new Option('--shape <shape>', 'full: every open and exec hashed; watched: a cheaper draft, not yet measured')
				.choices(['full', 'watched'])
				.default('full'),
		)
		.option('--dir <dir>', 'write one file a policy into this folder (default: print)')
		.addHelpText(
			'after',
			examples(
				'affidavit policies render --dir /etc/tetragon/tetragon.tp.d',
				'AFFIDAVIT_WORKSPACES=/home/ci/work affidavit policies render',
			),
		)
		.action(async (options: RenderOptions) => {
			const { config } = await context.loadConfig(options);
			const { defaultOutputs, defaultWorkspaces, renderPolicies } = await import(
				'../../../policies/tetragon/render.ts'
			);
			const workspaces = config.workspaces.length > 0 ? config.workspaces : defaultWorkspaces;
			const result = renderPolicies({ workspaces, shape: options.shape, outputs: outputsOf(config, defaultOutputs) });
			if (result.kind === 'invalid')
				throw new CliError('config', `wrong configuration\n${result.errors.map((e) => `  ${e}`).join('\n')}`);
			if (options.dir !== undefined) {
				await makeFolder(options.dir);
				for (const { file, yaml } of result.policies) await writeFile(join(options.dir, file), yaml);
			}
			if (options.json) context.stdout.write(jsonLine(result.policies));
			else if (options.dir === undefined) context.stdout.write(result.policies.map(({ yaml }) => yaml).join('---\n'));
			else for (const { file } of result.policies) context.stdout.write(`${join(options.dir, file)}\n`);
		});
}

/** Where sensor and Affidavit write: an event about it would cause the next one. */
function outputsOf(config: Config, standard: readonly string[]): string[] {
	const wanted = [...standard, config.dataDir, config.outDir];
	if (config.source?.path !== undefined) wanted.push(dirname(config.source.path));
	const outputs: string[] = [];
	for (const folder of wanted) if (!outputs.some((known) => isInside(folder, known))) outputs.push(folder);
	return outputs;
}
