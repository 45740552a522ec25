// The options that `process`, `up` and `demo` share, and what they mean as configuration.
import type { Command } from 'commander';
import type { FlagValue } from './config/resolve.ts';
import { collecting, readableFile, repository } from './option-values.ts';

export interface RunOptions {
	repo?: { name: string; location: string }[];
	indicators?: string[];
	key?: string;
	out?: string;
}

/** Adds --repo, --indicators, --key and --out. */
export function runOptions(command: Command): Command {
	return command
		.option(
			'--repo <name=location>',
			'what the build calls its repository, and where it is: git URL, folder or bundle; repeatable',
			collecting(repository),
		)
		.option('--indicators <file>', 'known-bad digests, one sha256:HEX a line; repeatable', collecting(readableFile))
		.option('--key <file>', 'signing key, PKCS #8 PEM (default: made in the data folder on first use)', readableFile)
		.option('--out <dir>', 'folder of the signed attestations');
}

/** For `context.loadConfig`: what was given on the command line. */
export function runFlags(options: RunOptions): FlagValue[] {
	const flags: FlagValue[] = (options.repo ?? []).map(({ name, location }) => ({
		path: ['repositories', name],
		value: location,
		flag: '--repo',
	}));
	if (options.indicators) flags.push({ path: ['indicators'], value: options.indicators, flag: '--indicators' });
	if (options.key !== undefined) flags.push({ path: ['keyFile'], value: options.key, flag: '--key' });
	if (options.out !== undefined) flags.push({ path: ['outDir'], value: options.out, flag: '--out' });
	return flags;
}
