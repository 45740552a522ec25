// `npm test`: starts Kafka and Redis, runs node's test runner against them, and stops them. Its summary comes last.
import { spawn } from 'node:child_process';
import { startKafka } from '../test/servers/kafka.ts';
import { startRedis } from '../test/servers/redis.ts';
import { MissingTool } from '../test/servers/tools.ts';

const help = `npm test [-- [--no-servers] [ARGUMENTS OF node --test | FILES | GLOBS]]

Runs the tests with node's test runner; without files or globs, all of them.
A Kafka broker and a Redis of its own are started on free ports of 127.0.0.1 in temporary folders, and stopped at the end.

  KAFKA_BROKERS, REDIS_URL     where set, these servers are used; nothing of theirs is stopped or cleared
  REQUIRE_SERVERS=1  fail when a server cannot be had (so does CI=1); otherwise the tests that need it are skipped
  --no-servers                 start none
`;

const allTests = ['packages/*', 'services/*', 'cli'].map((folder) => `${folder}/test/**/*.test.ts`);
allTests.push('test/**/*.test.ts');

interface Given {
	/** Environment variable that names the server. */
	variable: 'KAFKA_BROKERS' | 'REDIS_URL';
	missing: 'AFFIDAVIT_KAFKA_MISSING' | 'AFFIDAVIT_REDIS_MISSING';
	start(): Promise<{ address: string; stop(): Promise<void> }>;
}

const servers: readonly Given[] = [
	{
		variable: 'KAFKA_BROKERS',
		missing: 'AFFIDAVIT_KAFKA_MISSING',
		async start() {
			const kafka = await startKafka();
			return { address: kafka.brokers, stop: () => kafka[Symbol.asyncDispose]() };
		},
	},
	{
		variable: 'REDIS_URL',
		missing: 'AFFIDAVIT_REDIS_MISSING',
		async start() {
			const redis = await startRedis();
			return { address: redis.url, stop: () => redis[Symbol.asyncDispose]() };
		},
	},
];

const required = process.env.REQUIRE_SERVERS === '1' || ['1', 'true'].includes(process.env.CI ?? '');

/** What it adds to the environment of the tests, and how the server is stopped. */
async function provide(server: Given): Promise<{ env: Record<string, string>; stop(): Promise<void> }> {
	if (process.env[server.variable]) return { env: {}, stop: async () => {} };
	try {
		const { address, stop } = await server.start();
		return { env: { [server.variable]: address }, stop };
	} catch (error) {
		if (required || !(error instanceof MissingTool)) throw error;
		process.stderr.write(`test: ${server.variable}: ${error.message}; the tests that need it are skipped\n`);
		return { env: { [server.missing]: error.message }, stop: async () => {} };
	}
}

function runTests(args: readonly string[], env: Record<string, string>): Promise<number> {
	const runner = spawn(process.execPath, ['--test', '--test-reporter=spec', ...args], {
		env: { ...process.env, ...env },
		stdio: 'inherit',
	});
	for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => runner.kill(signal));
	return new Promise((resolve, reject) => {
		runner.once('error', reject);
		runner.once('exit', (code) => resolve(code ?? 1));
	});
}

async function main(args: readonly string[]): Promise<number> {
	if (args.includes('--help') || args.includes('-h')) {
		process.stdout.write(help);
		return 0;
	}
	const started = args.includes('--no-servers') ? [] : await Promise.allSettled(servers.map(provide));
	const provided = started.flatMap((s) => (s.status === 'fulfilled' ? [s.value] : []));
	try {
		const failed = started.filter((s) => s.status === 'rejected');
		for (const { reason } of failed) process.stderr.write(`test: ${(reason as Error).message}\n`);
		if (failed.length > 0) return 1;
		const rest = args.filter((arg) => arg !== '--no-servers');
		const files = rest.some((arg) => !arg.startsWith('-')) ? rest : [...rest, ...allTests];
		return await runTests(files, Object.assign({}, ...provided.map((p) => p.env)) as Record<string, string>);
	} finally {
		await Promise.all(provided.map((p) => p.stop()));
	}
}

process.exitCode = await main(process.argv.slice(2));
