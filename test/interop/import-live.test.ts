// A build traced here and now by the real Witness library (its ptrace tracer, no root needed), imported; one of them is
// swapped under the compiler and put back, as SUNSPOT did.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ImportedSession, importSample } from '../../cli/test/import/signed.ts';
import { temporaryFolder } from '../../cli/test/run-cli.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const source = fileURLToPath(new URL('import-tracer/main.go', import.meta.url));

type Tracer = { kind: 'tracer'; binary: string } | { kind: 'absent'; reason: string };

/** Built once, against the module versions that `peerverify` pins. */
function openTracer(): Tracer {
	const pinned = join(process.env['AFFIDAVIT_PEERS'] ?? join(root, '../shared/peers'), 'peerverify');
	if (!existsSync(join(pinned, 'go.mod')))
		return { kind: 'absent', reason: `no ${pinned}/go.mod: set AFFIDAVIT_PEERS to the folder that holds peerverify` };
	for (const tool of ['go', 'gcc', 'make', 'git'])
		if (spawnSync(tool, [tool === 'go' ? 'version' : '--version']).error)
			return { kind: 'absent', reason: `no \`${tool}\` on the PATH` };
	const hash = createHash('sha256');
	for (const file of [source, join(pinned, 'go.mod'), join(pinned, 'go.sum')]) hash.update(readFileSync(file));
	const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
	const folder = join(cache, 'affidavit-peers', `tracer-${hash.digest('hex').slice(0, 16)}`);
	const binary = join(folder, 'import-tracer');
	if (!existsSync(binary)) {
		mkdirSync(folder, { recursive: true });
		copyFileSync(source, join(folder, 'main.go'));
		for (const file of ['go.mod', 'go.sum']) writeFileSync(join(folder, file), readFileSync(join(pinned, file)));
		execFileSync('go', ['build', '-o', binary, '.'], { cwd: folder, stdio: 'pipe', timeout: 15 * 60 * 1000 });
	}
	const tried = spawnSync(binary, [folder, join(folder, 'tried'), 'true'], { encoding: 'utf8', timeout: 60_000 });
	if (/operation not permitted/i.test(tried.stderr))
		return { kind: 'absent', reason: `this machine does not let a process trace another: ${tried.stderr.trim()}` };
	return { kind: 'tracer', binary };
}

const attackMsMax = 60_000;

const tracer = openTracer();
const binary = tracer.kind === 'tracer' ? tracer.binary : '';

/** A repository with one C program; its build waits a second before and after it compiles. */
function repository(folder: string): string {
	const app = join(folder, 'app');
	mkdirSync(join(app, 'src'), { recursive: true });
	writeFileSync(
		join(app, 'Makefile'),
		'app: src/a.c src/a.h\n\tsleep 1\n\tgcc -I$(CURDIR)/src/../src -o app src/a.c\n\tsleep 1\n',
	);
	writeFileSync(join(app, 'src/a.c'), '#include "a.h"\nint main(void) { return CODE; }\n');
	writeFileSync(join(app, 'src/a.h'), '#define CODE 0\n');
	const git = (...args: string[]): void => {
		execFileSync('git', ['-C', app, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], { stdio: 'pipe' });
	};
	git('init', '-q');
	git('add', '.');
	git('commit', '-qm', 'sources');
	return app;
}

async function traced(app: string, out: string): Promise<void> {
	const child = spawn(binary, [app, out, 'make'], { stdio: ['ignore', 'ignore', 'pipe'] });
	let said = '';
	child.stderr.on('data', (chunk) => {
		said += String(chunk);
	});
	const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
	assert.equal(code, 0, said);
}

async function judged(t: Parameters<typeof temporaryFolder>[0], attack: (app: string) => Promise<void>) {
	const folder = temporaryFolder(t);
	const app = repository(folder);
	const out = join(folder, 'att');
	await Promise.all([traced(app, out), attack(app)]);
	const sample = { attestation: `${out}.json`, publicKey: `${out}.pub.pem` };
	const { run, session } = await importSample(folder, sample, '--repo', `example/app=${app}`);
	assert.ok(session, run.stderr);
	return { app, session, code: run.code };
}

const grave = ({ findings }: ImportedSession): string[] =>
	findings.filter(({ severity }) => !['info', 'low'].includes(severity)).map(({ rule, path }) => `${rule} ${path}`);

suite('a build traced by the real Witness', { skip: tracer.kind === 'absent' ? tracer.reason : false }, () => {
	test('passes when every source that was read is the commit’s', async (t) => {
		const { session, code } = await judged(t, async () => {});
		assert.deepEqual([code, session.verdict, grave(session)], [0, 'passed', []]);
		assert.equal(session.imported.sources, 'repository');
		assert.deepEqual([session.imported.backend, session.imported.assurance], ['ptrace', 'ptrace']);
		assert.deepEqual(session.imported.losses, {});
		assert.deepEqual(
			session.products.map(({ path, sha256 }) => [path, sha256?.length]),
			[['app', 64]],
		);
	});

	test('fails when a source was swapped under the compiler and put back', async (t) => {
		const { app, session, code } = await judged(t, async (folder) => {
			const header = join(folder, 'src/a.h');
			await sleep(500);
			writeFileSync(header, '#define CODE 6\n');
			// Until the compiler is done; the build waits a second after it.
			for (let waited = 0; waited < attackMsMax && !existsSync(join(folder, 'app')); waited += 20) await sleep(20);
			writeFileSync(header, '#define CODE 0\n');
		});
		assert.equal(execFileSync('git', ['-C', app, 'status', '--porcelain', 'src']).toString(), '');
		assert.equal(spawnSync(join(app, 'app')).status, 6);
		assert.deepEqual([code, session.verdict], [1, 'failed']);
		assert.deepEqual(grave(session), ['compiler-read-differs-from-repo src/a.h']);
		const [finding] = session.findings;
		assert.match(finding?.process?.binary ?? '', /cc1$/);
		assert.deepEqual(finding?.products, ['app']);
	});
});
