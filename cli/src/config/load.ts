// The edge of the configuration: finds and reads the file, asks the system for the user's data folder.
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import envPaths from 'env-paths';
import { CliError } from '../errors.ts';
import { fileTrouble } from '../files.ts';
import { type FlagValue, type Origins, resolveConfig } from './resolve.ts';
import type { Config } from './schema.ts';

const fileBytesMax = 1024 * 1024;
const fileName = 'affidavit.yaml';

export interface LoadOptions {
	flags: readonly FlagValue[];
	/** --config; wins over AFFIDAVIT_CONFIG, and that over affidavit.yaml in the working directory. */
	configFile: string | undefined;
	env: Readonly<Record<string, string | undefined>>;
	cwd: string;
}

/** Throws CliError('config') that names every wrong key, its value's origin and what was expected. */
export async function loadConfig(options: LoadOptions): Promise<{ config: Config; origins: Origins }> {
	const named = options.configFile ?? options.env['AFFIDAVIT_CONFIG'];
	const path = resolve(options.cwd, named ?? fileName);
	const text = await readConfigFile(path, named !== undefined);
	const result = resolveConfig({
		flags: options.flags,
		env: options.env,
		file: text === undefined ? null : { name: named ?? fileName, text, dir: dirname(path) },
		cwd: options.cwd,
		defaultDataDir: envPaths('affidavit', { suffix: '' }).data,
	});
	switch (result.kind) {
		case 'ok':
			return { config: result.config, origins: result.origins };
		case 'error':
			throw new CliError('config', `wrong configuration\n${result.problems.map((p) => `  ${p}`).join('\n')}`);
	}
}

async function readConfigFile(path: string, mustExist: boolean): Promise<string | undefined> {
	try {
		const bytes = await readFile(path);
		if (bytes.length > fileBytesMax)
			throw new CliError(
				'config',
				`${path}: ${bytes.length} bytes: expected a configuration of at most ${fileBytesMax}`,
			);
		return bytes.toString('utf8');
	} catch (cause) {
		if (cause instanceof CliError) throw cause;
		const code = (cause as NodeJS.ErrnoException).code;
		if (code === 'ENOENT' && !mustExist) return undefined;
		throw new CliError('config', `cannot read the configuration file ${path}: ${fileTrouble(cause)}`, cause);
	}
}
