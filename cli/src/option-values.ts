// Parsers of option values that several commands share; what they throw is told to the user as it is.
import { accessSync, constants, statSync } from 'node:fs';
import { parseRepositoryOption } from '@affidavit/detect/manifest/location.ts';
import { InvalidArgumentError } from 'commander';
import { CliError } from './errors.ts';
import { fileTrouble } from './files.ts';

/** A file that can be read; the message names it. */
export function readableFile(path: string): string {
	let found: ReturnType<typeof statSync>;
	try {
		found = statSync(path);
		accessSync(path, constants.R_OK);
	} catch (cause) {
		throw (cause as NodeJS.ErrnoException).code === 'ENOENT'
			? new CliError('file-missing', `${path}: no such file`, cause)
			: new CliError('file-unreadable', `cannot read ${path}: ${fileTrouble(cause)}`, cause);
	}
	if (found.isDirectory()) throw new CliError('file-unreadable', `cannot read ${path}: a folder, expected a file`);
	return path;
}

/** For variadic and repeatable options: collects what `parse` accepts. */
export const collecting =
	<T>(parse: (text: string) => T) =>
	(text: string, before: readonly T[] | undefined): T[] => [...(before ?? []), parse(text)];

/** NAME=LOCATION, checked as git would read it. */
export function repository(text: string): { name: string; location: string } {
	const option = parseRepositoryOption(text);
	// Not as commander's own error, which repeats the value: a location may hold a password.
	if (option.kind === 'invalid') throw new CliError('usage', option.message);
	return { name: option.name, location: option.location };
}

/** A whole number from `min` to `max`. */
export const wholeNumber =
	(min: number, max: number) =>
	(text: string): number => {
		const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
		if (!(value >= min && value <= max))
			throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}.`);
		return value;
	};
