// The `affidavit` command: registers the subcommands, runs one, turns what it threw into a message and an exit code.
import { Command, CommanderError } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { registerAgent } from './agent/command.ts';
import { registerConfig } from './commands/config.ts';
import { registerKeys } from './commands/keys.ts';
import { registerPolicies } from './commands/policies.ts';
import { registerPolicy } from './commands/policy.ts';
import { registerSession } from './commands/session.ts';
import { registerSessions } from './commands/sessions.ts';
import { registerVerify } from './commands/verify.ts';
import { type CliContext, examples, type Register } from './context.ts';
import { registerDemo } from './demo/command.ts';
import { registerDoctor } from './doctor/command.ts';
import { CliError, exitUsage } from './errors.ts';
import { registerHosts } from './hosts/command.ts';
import { registerImport } from './import/command.ts';
import { registerProcess } from './process/command.ts';
import { registerRederive } from './rederive/command.ts';
import { registerReplay } from './replay/command.ts';
import { registerService } from './service/command.ts';
import { printable } from './text/printable.ts';
import { registerTopics } from './topics/command.ts';
import { registerUp } from './up/command.ts';

/** In the order in which --help lists them. */
const commands: readonly Register[] = [
	registerDemo,
	registerProcess,
	registerImport,
	registerUp,
	registerService,
	registerTopics,
	registerReplay,
	registerRederive,
	registerAgent,
	registerSessions,
	registerSession,
	registerVerify,
	registerPolicy,
	registerKeys,
	registerHosts,
	registerPolicies,
	registerConfig,
	registerDoctor,
];

/** What a shell reports for a process that SIGPIPE ended. */
const exitBrokenPipe = 141;

function createContext(): CliContext {
	return {
		env: process.env,
		cwd: process.cwd(),
		stdout: process.stdout,
		stderr: process.stderr,
		exit(code) {
			process.exitCode = Math.max(Number(process.exitCode ?? 0), code);
		},
		async loadConfig(common, flags = []) {
			const { loadConfig } = await import('./config/load.ts');
			const data = common.data === undefined ? [] : [{ path: ['dataDir'], value: common.data, flag: '--data' }];
			return loadConfig({
				flags: [...data, ...flags],
				configFile: common.config,
				env: process.env,
				cwd: process.cwd(),
			});
		},
	};
}

function createProgram(context: CliContext): Command {
	const program = new Command('affidavit')
		.description('Sworn traces of every build: sessions, findings and signed attestations from Tetragon event streams.')
		.version(packageJson.version)
		.exitOverride()
		.showHelpAfterError('(--help shows the options)')
		.addHelpText(
			'after',
			examples(
				'affidavit demo',
				'affidavit process tetragon.log.gz --repo example/app=https://git.example.org/app.git',
				'affidavit verify bin/app --attestation attestations/ --public-key signing.pub.pem',
			),
		);
	for (const register of commands) register(program, context);
	return program;
}

/** Expected failures say what is wrong in one message; a bug shows where it is. */
function report(error: unknown, stderr: NodeJS.WriteStream): number {
	// Commander has printed its own message, or the help that was asked for.
	if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitUsage;
	if (error instanceof CliError) {
		// A message names files, and a folder of attestations may come from a stranger; a configuration's problems are lines.
		const lines = error.code === 'config' ? error.message.split('\n') : [error.message];
		stderr.write(`affidavit: ${lines.map(printable).join('\n')}\n`);
		return error.exitCode;
	}
	const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
	if (error instanceof Error && typeof code === 'string' && !code.startsWith('ERR_'))
		stderr.write(`affidavit: ${printable(error.message)} (${code})\n`);
	else stderr.write(`affidavit: a bug; please report it with this text\n${(error as Error)?.stack ?? String(error)}\n`);
	return exitUsage;
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
	if (error.code === 'EPIPE') process.exit(exitBrokenPipe);
	throw error;
});

const context = createContext();
try {
	await createProgram(context).parseAsync(process.argv);
} catch (error) {
	context.exit(report(error, context.stderr));
}
