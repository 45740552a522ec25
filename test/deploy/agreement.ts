// Whether what is shipped fits the program: its commands, its configuration, its port and its probes.
import assert from 'node:assert/strict';
import { resolveConfig } from '../../cli/src/config/resolve.ts';
import type { Config } from '../../cli/src/config/schema.ts';
import { affidavit } from '../e2e/affidavit.ts';

/** What resolves from a file and an environment; fails on a key or variable that the program does not know. */
export function configOf(what: string, file: string | null, env: Readonly<Record<string, string>>): Config {
	const result = resolveConfig({
		flags: [],
		env,
		file: file === null ? null : { name: what, text: file, dir: '/etc/affidavit' },
		cwd: '/',
		defaultDataDir: '/var/lib/affidavit',
	});
	if (result.kind === 'error') assert.fail(`${what}: ${result.problems.join('; ')}`);
	return result.config;
}

const helps = new Map<string, Promise<string>>();

/** The command is one of --help, and has each option. */
export async function checkCommand(args: readonly string[]): Promise<void> {
	const words = wordsOf(args);
	const said = words.join(' ');
	let help = helps.get(said);
	if (help === undefined) {
		help = affidavit([...words, '--help'], { cwd: '/' }).then(({ code, stdout, stderr }) => {
			assert.equal(code, 0, `affidavit ${said}: ${stderr}`);
			return stdout;
		});
		helps.set(said, help);
	}
	const text = await help;
	assert.ok(text.startsWith(`Usage: affidavit ${said} `), `affidavit ${said}: ${text.split('\n')[0]}`);
	for (const argument of args)
		if (argument.startsWith('--'))
			assert.match(text, new RegExp(`\\s${argument}[ ,\\n]`), `affidavit ${said} ${argument}`);
}

const groups = new Set(['service', 'hosts', 'topics', 'keys']);

const wordsOf = (args: readonly string[]): string[] => args.slice(0, groups.has(args[0] ?? '') ? 2 : 1);

/** The commands of a shell script. */
export const scriptCommands = (script: string): string[][] =>
	[...script.matchAll(/^\s*(?:\[.*\|\| |exec |known=\$\()?affidavit ([^|>)\n]+)/gm)].map(([, line]) =>
		(line as string).trim().split(/\s+/),
	);
