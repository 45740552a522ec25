// `policy init`: reads the sessions, writes the source.
import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseRfc3339 } from '@affidavit/attest/policy/rfc3339.ts';
import { loadCatalogue } from '@affidavit/detect/catalogue/load.ts';
import type { InitOptions } from '../commands/policy.ts';
import { type CliContext, jsonLine } from '../context.ts';
import { CliError } from '../errors.ts';
import { makeFolder } from '../files.ts';
import { findSession } from '../sessions/store.ts';
import { printable } from '../text/printable.ts';
import { writeWhole } from '../verify/summary-file.ts';
import type { IsMaker } from './init-programs.ts';
import { functionaryKeys, type GoodBuild, readGoodBuild } from './init-session.ts';
import { policySource } from './init-source.ts';

/** Sessions that one policy is made from. */
const sessionsMax = 1_000;

export async function init(context: CliContext, options: InitOptions): Promise<void> {
	const flags = options.out === undefined ? [] : [{ path: ['outDir'], value: options.out, flag: '--out' }];
	const { config } = await context.loadConfig(options, flags);
	if (options.fromSession.length > sessionsMax)
		throw new CliError('usage', `--from-session: expected at most ${sessionsMax} sessions`);
	const expires = expiryOf(options.expires, Date.now());
	const keys = await functionaryKeys(options.publicKey ?? [], config.dataDir);
	const builds = new Map<string, GoodBuild>();
	for (const prefix of options.fromSession) {
		const summary = await findSession(config.dataDir, prefix);
		builds.set(summary.session, await readGoodBuild(summary, config.outDir, keys));
	}
	const dir = resolve(context.cwd, options.dir);
	const written = policySource({ builds: [...builds.values()], expires, dir, isMaker: makers() });
	await writeAll(dir, written.files, options.force === true);
	for (const note of written.notes) context.stderr.write(`affidavit: ${printable(note)}\n`);
	const files = [...written.files.keys()].map((name) => join(options.dir, name));
	const { steps, notes } = written;
	if (options.json)
		context.stdout.write(jsonLine({ dir: options.dir, files, steps, sessions: [...builds.keys()], notes }));
	else for (const file of files) context.stdout.write(`${printable(file)}\n`);
}

/** Programs that make programs out of sources, by detect's catalogue; interpreters and archivers only bring them. */
function makers(): IsMaker {
	const kinds: ReadonlySet<string> = new Set(['compiler', 'assembler', 'linker', 'driver', 'build-tool']);
	const catalogue = loadCatalogue();
	return (binary, args) => kinds.has(catalogue.classify(binary, args)?.kind ?? '');
}

/** The named time, or midnight a year and a day from now: the same whenever on a day it is asked. */
function expiryOf(named: string | undefined, nowMs: number): string {
	if (named === undefined) {
		const now = new Date(nowMs);
		return new Date(Date.UTC(now.getUTCFullYear() + 1, now.getUTCMonth(), now.getUTCDate() + 1))
			.toISOString()
			.replace('.000Z', 'Z');
	}
	const time = parseRfc3339(/^\d{4}-\d{2}-\d{2}$/.test(named) ? `${named}T00:00:00Z` : named, true);
	if (time === null)
		throw new CliError('usage', `--expires ${named}: expected a time as in 2030-01-31T00:00:00Z, or a day`);
	if (time.ms <= nowMs) throw new CliError('usage', `--expires ${named}: is past`);
	return time.text;
}

/** Nothing is written when one of the files is there. */
async function writeAll(dir: string, files: ReadonlyMap<string, string>, force: boolean): Promise<void> {
	await makeFolder(dir);
	if (!force)
		for (const name of files.keys())
			if (await isThere(join(dir, name)))
				throw new CliError(
					'file-exists',
					`${join(dir, name)}: exists; choose another --dir, or replace it with --force`,
				);
	for (const [name, text] of files) await writeWhole(join(dir, name), Buffer.from(text, 'utf8'));
}

const isThere = (path: string): Promise<boolean> =>
	access(path).then(
		() => true,
		() => false,
	);
