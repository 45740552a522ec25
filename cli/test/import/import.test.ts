import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseEnvelope } from '@affidavit/attest/dsse.ts';
import { publicKeyPem } from '@affidavit/attest/keys.ts';
import { z } from 'zod';
import {
	collection,
	demoRun,
	digestOfText,
	ebpfRun,
	ptraceRun,
	sources,
	tampered,
} from '../../../services/ingest/test/witness/samples.ts';
import { runCli, temporaryFolder } from '../run-cli.ts';
import { type ImportedSession, importSample, signSample, sourceFolder } from './signed.ts';

const differs = 'compiler-read-differs-from-repo';
const grave = (session: ImportedSession | null): string[] =>
	(session?.findings ?? [])
		.filter(({ severity }) => !['info', 'low'].includes(severity))
		.map(({ rule, path }) => `${rule} ${path}`);

/** Predicate of the signed statement of a type. */
function signed(session: ImportedSession, type: string): Record<string, unknown> {
	const file = session.statements.find(({ predicateType }) => predicateType.includes(type))?.envelope ?? '';
	const parsed = parseEnvelope(readFileSync(file));
	assert.ok(parsed.kind === 'envelope');
	return (JSON.parse(Buffer.from(parsed.envelope.payload).toString()) as { predicate: Record<string, unknown> })
		.predicate;
}

const schemas = [
	['attestation-collection', 'witness-collection-v0.1'],
	['runtime-trace', 'runtime-trace-v0.1'],
	['index', 'index-v0.1'],
	['verification_summary', 'verification-summary-v1'],
] as const;

describe('affidavit import', () => {
	it('signs what the published schemas describe, also of a trace without any time', async (t) => {
		const folder = temporaryFolder(t);
		const { session } = await importSample(
			folder,
			signSample(folder, collection('v0.1', ebpfRun({ read: tampered }), { times: false })),
		);
		assert.equal(session?.startedAt, '1970-01-01T00:00:00.000000Z');
		for (const [type, name] of schemas) {
			const file = new URL(`../../../schemas/predicates/${name}.schema.json`, import.meta.url);
			const schema = z.fromJSONSchema(JSON.parse(readFileSync(file, 'utf8')));
			const parsed = schema.safeParse(signed(session, type));
			assert.ok(parsed.success, `${name}: ${parsed.error}`);
		}
	});

	for (const [name, version, run] of [
		['the ptrace tracer', 'v0.1', ptraceRun],
		['the eBPF tracer', 'v0.1', ebpfRun],
		["the demo's tracer", 'v0.2', demoRun],
	] as const)
		it(`a compiler that read tampered content fails the session: ${name}`, async (t) => {
			const folder = temporaryFolder(t);
			const sample = signSample(folder, collection(version, run({ read: tampered })));
			const { run: cli, session } = await importSample(folder, sample, '--repo', `example/app=${sourceFolder(folder)}`);
			assert.equal(cli.code, 1, cli.stderr);
			assert.equal(session?.verdict, 'failed');
			assert.deepEqual(grave(session), [`${differs} src/a.c`]);
			const finding = session?.findings.find(({ rule }) => rule === differs);
			assert.equal(finding?.digest, digestOfText(tampered));
			assert.equal(finding?.expectedDigest, digestOfText(sources['src/a.c'] as string));
			assert.match(finding?.process?.binary ?? '', /cc1$/);
			assert.deepEqual(finding?.products, ['app']);
			assert.equal(session?.imported.sources, 'repository');
		});

	it('a clean ptrace trace passes against a repository, and its collection does not have the name of the step', async (t) => {
		const folder = temporaryFolder(t);
		const sample = signSample(folder, collection('v0.1', ptraceRun(), { variables: { GITHUB_RUN_ID: '77' } }));
		const { run, session } = await importSample(folder, sample, '--repo', `example/app=${sourceFolder(folder)}`);
		assert.ok(session, run.stderr);
		assert.deepEqual([run.code, session.verdict], [0, 'passed']);
		// ld opened the product; for what, the trace does not say.
		assert.deepEqual(
			session.findings.map(({ severity, path }) => [severity, path]),
			[['info', 'app']],
		);
		assert.deepEqual([session.step, session.ciRunId, session.host], ['build.imported', '77', 'runner-1']);
		assert.deepEqual(session.products, [{ path: 'app', sha256: digestOfText('ELF app') }]);
		assert.equal(session.startedAt, '2026-03-01T10:00:00.123456Z');
		assert.equal(signed(session, 'attestation-collection')['name'], 'build.imported');
		const trace = signed(session, 'runtime-trace') as {
			session: { matcher: string; hooks: string[] };
			notes: { cause: string; detail: string; count: number }[];
			files: { path: string; digest: string; assurance: string }[];
		};
		assert.equal(trace.session.matcher, 'witness-import');
		assert.ok(trace.session.hooks.includes('imported:ptrace:open'));
		const notes = trace.notes.filter(({ cause }) => cause === 'imported').map(({ detail }) => detail);
		assert.ok(notes.some((detail) => detail.startsWith('Witness attestation sha256:')));
		assert.ok(notes.includes('command-run v0.1, tracer ptrace'));
		const ways = new Set(trace.files.filter(({ digest }) => digest !== '').map(({ assurance }) => assurance));
		assert.deepEqual([...ways].sort(), ['agent', 'declared', 'ptrace']);
		const vsa = signed(session, 'verification_summary');
		assert.equal(vsa['affidavit_step'], 'build.imported');
		assert.ok(session.completeness.notObservable.includes('foreign-write-into-workspace'));
		assert.ok(!session.completeness.notObservable.includes(differs));
	});

	it('without a repository the build is measured by its own word, and never passes', async (t) => {
		const folder = temporaryFolder(t);
		const clean = await importSample(folder, signSample(folder, collection('v0.1', ptraceRun())));
		assert.equal(clean.run.code, 1);
		assert.equal(clean.session?.verdict, 'incomplete');
		assert.deepEqual(clean.session?.completeness.reasons, ['sources-unverified']);
		assert.equal(clean.session?.imported.sources, 'declared');
		assert.match(clean.session?.judgedAgainst.note ?? '', /^declared: .* not what the repository holds/);
		const bad = await importSample(folder, signSample(folder, collection('v0.1', ptraceRun({ read: tampered }))));
		assert.equal(bad.session?.verdict, 'failed');
		assert.match(bad.session?.findings[0]?.explanation ?? '', /what the build itself recorded before it ran holds/);
	});

	it('with neither repository nor materials nothing is compared, and it says so', async (t) => {
		const folder = temporaryFolder(t);
		const sample = signSample(folder, collection('v0.1', ptraceRun({ read: tampered }), { material: false }));
		const { session } = await importSample(folder, sample);
		assert.deepEqual([session?.verdict, session?.imported.sources], ['incomplete', 'none']);
		assert.deepEqual(session?.completeness.reasons, ['sources-unverified']);
	});

	it('a thread that read tampered content is not lost for want of a program', async (t) => {
		const folder = temporaryFolder(t);
		const run = ptraceRun();
		const thread = (run['processes'] as { processid: number; openedfiles: Record<string, unknown> }[]).find(
			(p) => p.processid === 104,
		);
		assert.ok(thread);
		thread.openedfiles['src/a.h'] = { sha256: digestOfText('/* other */\n') };
		const { session } = await importSample(folder, signSample(folder, collection('v0.1', run)));
		assert.deepEqual(grave(session), [`${differs} src/a.h`]);
	});

	it('a known-bad program is found, also where the tracer knows it only as the image before an exec', async (t) => {
		const folder = temporaryFolder(t);
		const list = join(folder, 'bad.txt');
		writeFileSync(list, `sha256:${digestOfText('make')}\nsha256:${digestOfText('cc1')}\n`);
		const { session } = await importSample(
			folder,
			signSample(folder, collection('v0.1', ptraceRun())),
			'--indicators',
			list,
		);
		assert.deepEqual(grave(session), [
			'denied-tool-digest /proc/101/exe',
			'denied-tool-digest /usr/libexec/gcc/x86_64-linux-gnu/14/cc1',
		]);
	});

	it('what the trace lacks makes the session incomplete', async (t) => {
		const folder = temporaryFolder(t);
		const sample = signSample(folder, collection('v0.2', demoRun()));
		const { session } = await importSample(folder, sample, '--repo', `example/app=${sourceFolder(folder)}`);
		assert.equal(session?.verdict, 'incomplete');
		assert.deepEqual(session?.completeness.reasons, ['trace-incomplete']);
		assert.equal(session?.completeness.orphanProcesses, 1);
		assert.deepEqual(
			session?.completeness.gaps.map(({ detail, count }) => [detail, count]),
			[
				['affidavit_import_opens_without_digest', 1],
				['affidavit_import_unknown_processes', 1],
			],
		);
	});

	it('a second run gives the same statements; the session is among the kept ones', async (t) => {
		const folder = temporaryFolder(t);
		const sample = signSample(folder, collection('v0.1', ptraceRun()));
		const first = await importSample(folder, sample);
		const second = await importSample(folder, sample);
		assert.equal(second.run.stdout, first.run.stdout);
		const list = await runCli(['sessions', '--data', join(folder, 'data'), '--json']);
		assert.equal(list.stdout.trimEnd().split('\n').length, 1);
	});

	it('tells a person what it is worth', async (t) => {
		const folder = temporaryFolder(t);
		const { attestation, publicKey } = signSample(folder, collection('v0.2', demoRun()));
		const { stdout } = await runCli(['import', attestation, '--public-key', publicKey, '--data', join(folder, 'data')]);
		assert.match(stdout, /imported {3}.*command-run v0\.2, tracer tetragon/);
		assert.match(stdout, /median 100 ms, 95th percentile 100 ms, longest 100 ms/);
		assert.match(stdout, /missing {4}1 opens without digest, 1 unknown processes/);
	});
});

describe('affidavit import refuses', () => {
	const refusal = async (
		t: Parameters<typeof temporaryFolder>[0],
		change: (sample: { attestation: string; publicKey: string }) => void,
	) => {
		const folder = temporaryFolder(t);
		const sample = signSample(folder, collection('v0.1', ptraceRun()));
		change(sample);
		const { run } = await importSample(folder, sample);
		assert.equal(run.stdout, '');
		return run;
	};

	it('a payload that was altered after it was signed', async (t) => {
		const run = await refusal(t, ({ attestation }) => {
			const envelope = JSON.parse(readFileSync(attestation, 'utf8')) as { payload: string };
			const payload = Buffer.from(envelope.payload, 'base64').toString().replace('/usr/bin/ld', '/usr/bin/lx');
			writeFileSync(attestation, JSON.stringify({ ...envelope, payload: Buffer.from(payload).toString('base64') }));
		});
		assert.deepEqual([run.code, /no signature verifies under a given key/.test(run.stderr)], [1, true], run.stderr);
	});

	it("another key's signature", async (t) => {
		const run = await refusal(t, ({ publicKey }) =>
			writeFileSync(publicKey, publicKeyPem(generateKeyPairSync('ed25519').publicKey)),
		);
		assert.deepEqual([run.code, /none of the given keys/.test(run.stderr)], [1, true], run.stderr);
	});

	it('what is no envelope', async (t) => {
		const run = await refusal(t, ({ attestation }) => writeFileSync(attestation, '{"payload":7}'));
		assert.deepEqual([run.code, /payloadType: expected a string/.test(run.stderr)], [1, true], run.stderr);
	});

	it('an attestation without a trace, and one that is no collection', async (t) => {
		const folder = temporaryFolder(t);
		const plain = await importSample(folder, signSample(folder, collection('v0.1', { cmd: ['make'], exitcode: 0 })));
		assert.deepEqual([plain.run.code, /without --trace/.test(plain.run.stderr)], [1, true]);
		const other = await importSample(folder, signSample(folder, {}, 'https://slsa.dev/provenance/v1'));
		assert.deepEqual([other.run.code, /expected a Witness collection/.test(other.run.stderr)], [1, true]);
	});

	it('wrong use: exit 2', async (t) => {
		const folder = temporaryFolder(t);
		const { attestation, publicKey } = signSample(folder, collection('v0.1', ptraceRun()));
		for (const args of [
			['import', attestation],
			['import', join(folder, 'none.json'), '--public-key', publicKey],
			['import', attestation, '--public-key', attestation],
			['import', attestation, '--public-key', publicKey, '--workspace', 'relative'],
		])
			assert.equal((await runCli([...args, '--data', join(folder, 'data')])).code, 2, args.join(' '));
	});
});
