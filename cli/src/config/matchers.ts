// The configured session matchers (key `matchers`): YAML or JSON of the same shape as the shipped presets.
import { readFile, stat } from 'node:fs/promises';
import { type Matcher, parseMatchers } from '@affidavit/correlate/core/matcher.ts';
import { parse } from 'yaml';
import { CliError } from '../errors.ts';

const fileBytesMax = 1024 * 1024;

/** Throws CliError('config') that names the file and the field. */
export async function readMatchers(path: string): Promise<Matcher[]> {
	try {
		if ((await stat(path)).size > fileBytesMax) throw new RangeError(`expected at most ${fileBytesMax} bytes`);
		return parseMatchers(parse(await readFile(path, 'utf8')));
	} catch (cause) {
		throw new CliError('config', `matchers: ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
	}
}
