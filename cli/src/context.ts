// What every command gets from main.ts: the world, and the few things that all of them do the same way.
import type { Command } from 'commander';
import type { FlagValue, Origins } from './config/resolve.ts';
import type { Config } from './config/schema.ts';

export interface CliContext {
	env: Readonly<Record<string, string | undefined>>;
	cwd: string;
	/** Results. */
	stdout: NodeJS.WriteStream;
	/** Diagnostics and progress. */
	stderr: NodeJS.WriteStream;
	/** Sets the exit code of the process; the highest one said wins. */
	exit(code: number): void;
	/** Flags over environment over file over defaults; throws CliError('config'). */
	loadConfig(common: CommonOptions, flags?: readonly FlagValue[]): Promise<{ config: Config; origins: Origins }>;
}

/** A command registers itself; what is heavy is imported in its action, so that --help stays fast. */
export type Register = (program: Command, context: CliContext) => void;

export interface CommonOptions {
	config?: string;
	data?: string;
	json?: boolean;
}

/** The options that every command has. */
export function commonOptions(command: Command): Command {
	return command
		.option('--config <file>', 'configuration file (default: $AFFIDAVIT_CONFIG, else affidavit.yaml here)')
		.option('--data <dir>', 'data folder: log, store, keys, session summaries')
		.option('--json', 'print JSON');
}

/** One JSON object on one line. */
export const jsonLine = (value: unknown): string => `${JSON.stringify(value)}\n`;

/** Text for `addHelpText('after', …)`. */
export const examples = (...lines: readonly string[]): string =>
	`\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`;
