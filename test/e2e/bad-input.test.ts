// Bad input through the real command: a clear message, a dead letter where it applies, and the rest is processed.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { makeRepository } from '../synthetic/repository.ts';
import * as scenarios from '../synthetic/scenarios.ts';
import { affidavit, fixtures, processFiles, type Run, type SessionObject, temporaryFolder } from './affidavit.ts';
import { type BadLine, badLines, cycleRunId, hostilePath, leakedSecret, prototypeNames } from './bad-lines.ts';

const stream = join(fixtures, '07-net-foreign');
const repository = join(stream, 'repo.bundle');
const packed = readFileSync(join(stream, 'events.jsonl.gz'));
const lines = gunzipSync(packed).toString().trimEnd().split('\n');
const workspace = '/work/src/capp7';

const rulesOf = (session: SessionObject | undefined): string[] => session?.findings.map((f) => f.rule) ?? [];
const find = (sessions: readonly SessionObject[], runId: string): SessionObject | undefined =>
	sessions.find((s) => s.ciRunId === runId);

function assertTamperedIsFound(sessions: readonly SessionObject[]): void {
	const session = find(sessions, '7001');
	assert.equal(session?.verdict, 'failed');
	for (const rule of ['compiler-read-differs-from-repo', 'foreign-write-into-workspace'])
		assert.ok(
			session.findings.some((f) => f.rule === rule && f.path === 'src/m9.c'),
			rule,
		);
}

/** The stream with each bad line between two events of the session, and the line number at which it stands. */
function injected(): { bytes: Buffer; bad: Map<number, BadLine> } {
	const inSession = (line: string): boolean => line.includes('"Key":"GITHUB_RUN_ID"');
	const open = lines.findIndex(
		(l, i) => i > 900 && l.includes('file_post_open') && l.includes('ima_hash') && inSession(l),
	);
	const exec = lines.find((l) => l.startsWith('{"process_exec"') && inSession(l));
	assert.ok(open > 0 && exec);
	const waiting = badLines(lines[open] as string, exec, workspace);
	const parts: Buffer[] = [];
	const bad = new Map<number, BadLine>();
	for (const [i, line] of lines.entries()) {
		parts.push(Buffer.from(line));
		const next = i >= open && i % 3 === 0 ? waiting.shift() : undefined;
		if (next === undefined) continue;
		parts.push(next.bytes);
		bad.set(parts.length, next);
	}
	assert.equal(waiting.length, 0);
	return { bytes: Buffer.concat(parts.flatMap((part) => [part, Buffer.from('\n')])), bad };
}

/** What the JSON log on stderr says of the refused lines: by line number, its code. */
const refusals = (run: Run): Map<number, string> =>
	new Map(
		run.stderr
			.split('\n')
			.filter((line) => line.includes('"ingest_input_refused"'))
			.map((line) => {
				const { msg, reason } = JSON.parse(line) as { msg: string; reason: string };
				return [Number(/^\S+?:(\d+): /.exec(msg)?.[1]), reason];
			}),
	);

test('bad input: lines of every kind amid a tampered build, and a clean build in another file', async (t) => {
	const data = temporaryFolder(t);
	const clean = join(data, 'clean.jsonl');
	const synthetic = join(data, 'repository');
	writeFileSync(clean, scenarios.clean(makeRepository(synthetic)).text());
	const { bytes, bad } = injected();
	const file = join(data, 'bad.jsonl');
	// The last line is cut, and the file's end is in the middle of it.
	writeFileSync(file, Buffer.concat([bytes, Buffer.from((lines[0] as string).slice(0, 900))]));
	const cutLine = lines.length + bad.size + 1;
	const { run, sessions } = await processFiles(t, [clean, file], {
		data,
		repos: { 'example/capp7': repository, 'example/synthetic': synthetic },
	});
	assert.equal(run.code, 1, run.stderr);

	const expected = [...bad].flatMap(([number, { code }]) => (code === null ? [] : [[number, code] as const]));
	const told = [...expected, [cutLine, 'truncated-line'] as const];
	assert.deepEqual(new Map([...refusals(run)].sort(([a], [b]) => a - b)), new Map(told));
	assert.match(run.stderr, new RegExp(`^affidavit: ${told.length} inputs could not be used`, 'm'));
	const counts = Map.groupBy(told, ([, code]) => code);
	for (const [code, all] of counts) {
		assert.match(run.stderr, new RegExp(`^affidavit:   ${code}: ${all.length}$`, 'm'));
		assert.match(run.stderr, new RegExp(`^affidavit:     bad\\.jsonl:${all[0]?.[0]}: \\S`, 'm'));
	}
	assert.ok(!`${run.stdout}${run.stderr}`.includes(leakedSecret), 'a secret of the input is printed');
	assert.ok(!run.stderr.includes('\u001b'), 'an escape sequence of the input reaches the terminal');

	assertTamperedIsFound(sessions);
	const session = find(sessions, '7001');
	// Unknown kinds and absurd times are no loss; what may have been an event is.
	const loss = expected.filter(([, code]) => code !== 'unknown-event' && code !== 'event-time').length;
	const gap = session?.completeness.gaps.find((g) => g.detail === 'affidavit_input_refused_lines');
	assert.equal((gap as { count?: number } | undefined)?.count, loss);
	assert.ok(rulesOf(session).includes('trace-incomplete'));

	const untouched = find(sessions, '91010');
	assert.equal(untouched?.verdict, 'passed', JSON.stringify(untouched));
	assert.deepEqual(untouched?.completeness.gaps, []);
	// Processes that are each other's parents are in one session or two, and it ends.
	assert.ok(find(sessions, cycleRunId), run.stdout);
	for (const s of sessions) assert.ok(s.statements.length >= 4, `${s.session} is not attested`);

	const show = await affidavit(['session', 'show', session?.session ?? '', '--data', data, '--json']);
	assert.equal(show.code, 0, show.stderr);
	const { trace } = JSON.parse(show.stdout) as { trace: { files: { path: string }[] } };
	const paths = new Set(trace.files.map((f) => f.path));
	for (const path of [hostilePath, ...prototypeNames, 'src/bad-\ufffd\ufffd.c'])
		assert.ok(paths.has(`${workspace}/${path}`), JSON.stringify(path));
	const forPeople = await affidavit(['session', 'show', session?.session ?? '', '--data', data]);
	assert.ok(!forPeople.stdout.includes('\u001b[31m') && !forPeople.stdout.includes('evil\nname'));
});

test('bad input: a gzip file that ends in the middle is told of, and what it holds is processed', async (t) => {
	const data = temporaryFolder(t);
	const file = join(data, 'cut.jsonl.gz');
	writeFileSync(file, packed.subarray(0, Math.floor(packed.length * 0.8)));
	const { run, sessions } = await processFiles(t, [file], { data, repos: { 'example/capp7': repository } });
	assert.equal(run.code, 1, run.stderr);
	assert.match(run.stderr, /^affidavit: {3}truncated-file: 1$/m);
	assert.match(run.stderr, /cut\.jsonl\.gz:\d+: gzip stream: .*expected a complete gzip file/);
	assertTamperedIsFound(sessions);
	assert.ok(sessions[0]?.completeness.gaps.some((g) => g.detail === 'affidavit_input_cut_files'));
});

test('bad input: a file without any event, an empty one, and one that is not there', async (t) => {
	const data = temporaryFolder(t);
	const noise = join(data, 'noise.bin');
	writeFileSync(noise, gzipSync(Buffer.from('\u0000\u0001\n'.repeat(50))));
	const empty = join(data, 'empty.jsonl');
	writeFileSync(empty, '');
	const { run } = await processFiles(t, [noise, empty], { data });
	assert.match(run.stderr, /^affidavit: {3}not-json: 50$/m);
	assert.match(run.stderr, /no build session in the input/);
	assert.equal(run.stdout, '');

	const missing = join(data, 'missing.jsonl');
	const absent = await processFiles(t, [empty, missing], { data });
	assert.equal(absent.run.code, 2);
	assert.ok(absent.run.stderr.includes(`${missing}: no such file`), absent.run.stderr);
});

/** The synthetic clean build, claiming `commit`, with its repository at `location`. */
async function claim(
	t: Parameters<typeof processFiles>[0],
	commit: (head: string) => string,
	location?: string,
): Promise<{ run: Run; only: SessionObject; data: string }> {
	const data = temporaryFolder(t);
	const folder = join(data, 'repository');
	const file = join(data, 'events.jsonl');
	writeFileSync(file, scenarios.clean(commit(makeRepository(folder))).text());
	const repos = { 'example/synthetic': location ?? folder };
	const { run, sessions } = await processFiles(t, [file], { data, repos });
	const [only] = sessions;
	assert.ok(only, run.stderr);
	return { run, only, data };
}

function assertUnverified({ run, only }: { run: Run; only: SessionObject }): void {
	assert.equal(run.code, 1, run.stderr);
	assert.equal(only.verdict, 'incomplete');
	assert.ok(only.completeness.reasons.includes('sources-unverified'), JSON.stringify(only.completeness));
}

test('bad input: a repository that cannot be reached leaves the session incomplete, and says so', async (t) => {
	const absent = join(temporaryFolder(t), 'absent.bundle');
	for (const location of ['git://127.0.0.1:9/app.git', 'https://user:hunter2hunter2@127.0.0.1:9/app.git', absent]) {
		const result = await claim(t, (head) => head, location);
		assertUnverified(result);
		assert.match(result.run.stderr, /example\/synthetic/, location);
		assert.ok(!result.run.stderr.includes('hunter2'), 'credentials are printed');
	}
});

test('bad input: a commit that is no hash reaches no git, and leaves the session incomplete', async (t) => {
	const marker = join(temporaryFolder(t), 'owned');
	for (const commit of [`--upload-pack=touch ${marker}`, 'HEAD', 'a'.repeat(39), `${'a'.repeat(40)}\n--all`]) {
		const result = await claim(t, () => commit);
		assertUnverified(result);
		assert.match(result.run.stderr, /commit/);
	}
	assert.ok(!existsSync(marker));
	assertUnverified(await claim(t, () => 'f'.repeat(40)));
});

test('bad input: keys, indicators, options and configuration that cannot be used', async (t) => {
	const data = temporaryFolder(t);
	const write = (name: string, text: string): string => {
		writeFileSync(join(data, name), text, { mode: 0o600 });
		return join(data, name);
	};
	mkdirSync(join(data, 'folder'));
	const events = write('events.jsonl', `${lines[0]}\n`);
	const good = `sha256:${'a'.repeat(64)}`;
	const cases: { args: string[]; code: number; says: RegExp }[] = [
		{ args: ['--key', write('garbage.pem', `-----BEGIN ${leakedSecret}\n`)], code: 2, says: /garbage\.pem/ },
		{ args: ['--key', join(data, 'folder')], code: 2, says: /folder, expected a file/ },
		{ args: ['--key', join(data, 'absent.pem')], code: 2, says: /absent\.pem: no such file/ },
		{
			args: ['--indicators', write('bad.txt', `${good} known bad\n# a comment\nsha256:xyz\n`)],
			code: 2,
			says: /bad\.txt:3: /,
		},
		{ args: ['--repo', 'example/capp7'], code: 2, says: /--repo.*NAME=LOCATION/s },
		{ args: ['--repo', 'x=--upload-pack=touch /tmp/owned'], code: 2, says: /--repo/ },
		{ args: ['--repo', 'x=ext::sh -c id'], code: 2, says: /--repo/ },
		{ args: ['--repo', `x=http://user:${leakedSecret}@127.0.0.1/app.git`], code: 2, says: /protocol "http"/ },
		{ args: ['--batch-events', '0'], code: 2, says: /whole number from 1/ },
		{ args: ['--no-such-option'], code: 2, says: /unknown option/ },
		{ args: ['--config', write('unknown.yaml', 'grace: 1\n')], code: 78, says: /unknown\.yaml.*grace/s },
		{ args: ['--config', write('type.yaml', 'graceMs: soon\n')], code: 78, says: /graceMs/ },
		{ args: ['--config', write('broken.yaml', 'graceMs: [1\n')], code: 78, says: /broken\.yaml/ },
		{
			args: [
				'--config',
				write('hook.yaml', 'webhook: {url: "http://127.0.0.1:1/", secretFile: hook.secret, allowPrivate: true}\n'),
			],
			code: 78,
			says: /hook\.secret/,
		},
	];
	write('hook.secret', leakedSecret);
	for (const { args, code, says } of cases) {
		const run = await affidavit(['process', events, '--data', data, '--json', ...args]);
		assert.equal(run.code, code, `${args}: ${run.stderr}`);
		assert.match(run.stderr, says);
		assert.equal(run.stdout, '');
		assert.ok(!run.stderr.includes(leakedSecret) && !/\n\s+at /.test(run.stderr), run.stderr);
	}
	const environment = await affidavit(['process', events, '--data', data], { env: { AFFIDAVIT_SKEW_MS_MAX: '-1' } });
	assert.equal(environment.code, 78);
	assert.match(environment.stderr, /AFFIDAVIT_SKEW_MS_MAX/);
});
