import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { FileFact, RuntimeTrace, TracedProcess } from '@affidavit/attest/generated/runtime-trace-v0.1.ts';
import type { RunProcess } from '@affidavit/attest/generated/witness-collection-v0.1.ts';
import { keyIdOf } from '@affidavit/attest/keys.ts';
import { commandRunType } from '@affidavit/attest/type-uris.ts';
import { createRegoEngine } from '@affidavit/rego/rego.ts';
import fc from 'fast-check';
import { egressOf, egressRego } from '../../src/policy/init-egress.ts';
import { programsOf, programsRego } from '../../src/policy/init-programs.ts';
import type { GoodBuild } from '../../src/policy/init-session.ts';
import { policySource } from '../../src/policy/init-source.ts';
import { readSource } from '../../src/policy/source.ts';
import { sampleKey } from './sample.ts';

const digest = (byte: string): string => byte.repeat(32);
const ran = (program: string, byte: string | null): Partial<RunProcess> => ({
	program,
	...(byte === null ? {} : { programdigest: { sha256: digest(byte) }, exedigest: { sha256: digest(byte) } }),
});
const wrote = (path: string, execId: string, foreign = false): Partial<FileFact> => ({
	op: 'write',
	path,
	execId,
	foreign,
});

interface Fields {
	ran: Partial<RunProcess>[];
	wrote?: Partial<FileFact>[];
	connections?: Partial<RuntimeTrace['connections'][number]>[];
	session?: string;
	step?: string;
}

const writers: Partial<TracedProcess>[] = [
	{ execId: 'go', binary: '/usr/local/go/bin/go', arguments: '', foreign: false },
	{ execId: 'npm', binary: '/usr/bin/node', arguments: '', foreign: false },
	{ execId: 'other', binary: '/usr/bin/curl', arguments: '', foreign: true },
];
const { publicKey } = sampleKey();

const build = ({
	ran: processes,
	wrote: files = [],
	connections = [],
	session = 'ab',
	step = 'build',
}: Fields): GoodBuild =>
	({
		summary: {
			session: session.repeat(32),
			startedAt: '2026-11-23T00:00:00Z',
			root: { binary: 'make', arguments: '' },
			products: [],
		},
		envelope: '/out/collection.dsse.json',
		collection: {
			affidavit: { omitted: { processes: 0 } },
			name: step,
			attestations: [{ type: commandRunType, attestation: { processes } }],
		},
		signer: { key: publicKey, keyId: keyIdOf(publicKey) },
		trace: { processes: writers, files, connections },
	}) as unknown as GoodBuild;

const isMaker = (binary: string): boolean => binary.endsWith('/go');
const engine = createRegoEngine();

async function denials(text: string, input: unknown): Promise<string[]> {
	const answer = await engine.evaluate({ modules: [{ name: 'rule', text }], input, nowNs: 0n });
	assert.ok(answer.kind === 'answer', answer.kind === 'refused' ? answer.reasons.join('\n') : '');
	const [only] = answer.packages;
	assert.ok(only?.deny.kind === 'reasons');
	assert.deepEqual(only.missing, [], 'no read ends a rule');
	return only.deny.reasons;
}

const input = (...processes: Partial<RunProcess>[]): unknown => ({ cmd: ['x'], exitcode: 0, processes });

suite('the rule on programs', () => {
	const builds = [
		build({
			ran: [
				ran('/bin/cc', '11'),
				ran('/w/bin/app', '22'),
				ran('/tmp/go-build123456/b001/exe/gen', '33'),
				ran('/w/esbuild', '44'),
			],
			wrote: [
				wrote('/w/bin/app', 'go'),
				wrote('/tmp/go-build123456/b001/exe/gen', 'go'),
				wrote('/w/esbuild', 'npm'),
				wrote('/bin/cc', 'go', true),
			],
		}),
	];
	const text = programsRego(programsOf(builds, isMaker));

	test('accepts what it was made from', async () => {
		assert.deepEqual(
			await denials(text, input(ran('/bin/cc', '11'), ran('/w/bin/app', '22'), ran('/w/esbuild', '44'))),
			[],
		);
	});

	const cases: [string, unknown, RegExp | null][] = [
		['another compiler', input(ran('/bin/cc', '99')), /not allowed: \/bin\/cc sha256:9999/],
		[
			'another compiler, known by its exedigest alone',
			input({ program: '/bin/cc', exedigest: { sha256: digest('99') } }),
			/not allowed/,
		],
		[
			'a good digest beside a bad one',
			input({ program: '/bin/cc', programdigest: { sha256: digest('11') }, exedigest: { sha256: digest('99') } }),
			/not allowed/,
		],
		['a program without a digest', input(ran('/bin/cc', '11'), ran('/bin/sh', null)), /without a digest: \/bin\/sh/],
		[
			'a digest of another kind only',
			input({ program: '/bin/cc', programdigest: { sha1: 'aa' } as never }),
			/without a digest/,
		],
		['no process at all', { cmd: ['x'], exitcode: 0 }, /no process was recorded/],
		['its own product, changed', input(ran('/w/bin/app', '99')), null],
		['its own program at a temporary path', input(ran('/tmp/go-build987654321/b001/exe/gen', '99')), null],
		['a temporary path with more below', input(ran('/tmp/go-build987/x/b001/exe/gen', '99')), /not allowed/],
		['what a package manager brought, changed', input(ran('/w/esbuild', '99')), /not allowed: \/w\/esbuild/],
	];
	for (const [what, value, expected] of cases)
		test(what, async () => {
			const found = await denials(text, value);
			if (expected === null) assert.deepEqual(found, []);
			else assert.match(found.join('\n'), expected);
		});
});

test('a program that the session wrote and that differs from build to build is its own', () => {
	const one = (byte: string, session: string): GoodBuild =>
		build({ ran: [ran('/w/tool', byte), ran('/bin/sh', byte)], wrote: [wrote('/w/tool', 'npm')], session });
	const programs = programsOf([one('11', 'aa'), one('22', 'bb')], isMaker);
	assert.deepEqual(programs.own, ['/w/tool']);
	assert.deepEqual([...programs.allowed.values()], [['/bin/sh'], ['/bin/sh']]);
});

test('a program without a digest is let pass by its path, and said', async () => {
	const text = programsRego(programsOf([build({ ran: [ran('/bin/wc', null)] })], isMaker));
	assert.match(text, /REVIEW/);
	assert.deepEqual(await denials(text, input(ran('/bin/wc', null))), []);
	assert.match((await denials(text, input(ran('/bin/nc', null)))).join(), /without a digest/);
});

test('the rule on connections', async () => {
	const connection = { op: 'connect' as const, family: 'AF_INET', address: '10.0.0.1', port: 443, execId: 'npm' };
	const local = { ...connection, family: 'AF_UNIX', address: '', port: -1 };
	const egress = egressOf([
		build({ ran: [], connections: [connection, connection, local, { ...connection, execId: 'other', port: 1 }] }),
	]);
	assert.deepEqual(egress, [{ address: '10.0.0.1', port: 443, programs: ['/usr/bin/node'] }]);
	const trace = (...connections: unknown[]): unknown => ({
		processes: writers,
		connections,
		omitted: { connections: 0 },
	});
	const text = egressRego(egress);
	assert.deepEqual(await denials(text, trace(connection, local)), []);
	assert.deepEqual(await denials(text, trace({ ...connection, execId: 'other', port: 1 })), [], 'not the build itself');
	assert.deepEqual(await denials(text, trace({ ...connection, port: 80 })), [
		'connection that is not allowed: 10.0.0.1 port 80',
	]);
	assert.match(
		(await denials(text, { ...(trace() as object), omitted: { connections: 3 } })).join(),
		/does not list: 3/,
	);
	assert.deepEqual(await denials(egressRego([]), trace(connection)), [
		'connection that is not allowed: 10.0.0.1 port 443',
	]);
});

test('no path, step or command can break out of the source or its rules', async () => {
	const hostile = fc.oneof(
		fc.string({ unit: 'binary' }),
		fc.constantFrom('a\n}\ndeny[x]{x:=1}', '*[?{}]\\', '"', '__proto__', 'null', '\u2028', '#', '/x123456'),
	);
	await fc.assert(
		fc.asyncProperty(hostile, hostile, async (path, step) => {
			const good = build({ ran: [ran(path, '11'), ran(`${path}x`, null)], wrote: [wrote(path, 'go')], step });
			const programs = programsRego(programsOf([good], isMaker));
			assert.deepEqual(await denials(programs, input(ran(path, '11'))), []);
			const written = policySource({ builds: [good], expires: '2030-01-01T00:00:00Z', dir: '/policy', isMaker });
			const source = readSource(written.files.get('policy.yaml') ?? '');
			if (step === '__proto__') return assert.equal(source.kind, 'invalid');
			assert.ok(source.kind === 'source', JSON.stringify(source));
			assert.deepEqual(Object.keys(source.source.steps), [step]);
			for (const name of written.files.keys()) assert.match(name, /^[\w.-]+$/);
		}),
		{ numRuns: 60 },
	);
});

test('several steps make one policy, each with its rules', () => {
	const builds = [
		build({ ran: [ran('/bin/cc', '11')], step: 'compile' }),
		build({ ran: [ran('/bin/tar', '22')], step: 'pack up', session: 'cd' }),
	];
	const written = policySource({ builds, expires: '2030-01-01T00:00:00Z', dir: '/policy', isMaker });
	assert.deepEqual(
		[...written.files.keys()],
		[
			'policy.yaml',
			'compile.programs.rego',
			'compile.egress.rego',
			'pack_up.programs.rego',
			'pack_up.egress.rego',
			'policy.test.yaml',
		],
	);
	assert.match(written.files.get('pack_up.programs.rego') ?? '', /"2222[0-9]+", # \/bin\/tar\n/);
	const read = readSource(written.files.get('policy.yaml') ?? '');
	assert.ok(read.kind === 'source');
	assert.deepEqual(Object.keys(read.source.steps), ['compile', 'pack up']);
	assert.equal(read.source.steps['pack up']?.attestations[0]?.regopolicies?.[0]?.file, 'pack_up.programs.rego');
});
