import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { RuntimeTrace } from '@affidavit/attest/generated/runtime-trace-v0.1.ts';
import type { VerificationSummary } from '@affidavit/attest/generated/verification-summary-v1.ts';
import type { CommandRun, WitnessCollection } from '@affidavit/attest/generated/witness-collection-v0.1.ts';
import type { Statement } from '@affidavit/attest/statement.ts';
import { commandRunType, materialType, productType } from '@affidavit/attest/type-uris.ts';
import type { Facts } from '@affidavit/model/facts.ts';
import fc from 'fast-check';
import { derive, predicateOf } from './derive-helper.ts';
import { buildFacts, commit, cut, digestOf, fileFact, processFact, start, workspace } from './session-builder.ts';

const collectionOf = (statements: ReadonlyMap<string, Statement>): WitnessCollection =>
	predicateOf(statements, 'collection');
const attestation = <T>(collection: WitnessCollection, type: string): T =>
	collection.attestations.find((a) => a.type === type)?.attestation as T;

suite('statements of a passed session', () => {
	test('are a collection under the step name, a runtime trace, an index and a summary', async () => {
		const { result, statements, leftovers } = await derive([buildFacts()]);
		assert.equal(result.kind, 'derived');
		assert.deepEqual([...statements.keys()], ['collection', 'runtime-trace', 'index', 'vsa']);
		assert.deepEqual(leftovers, []);
		const collection = collectionOf(statements);
		assert.equal(collection.name, 'build');
		assert.deepEqual(attestation(collection, materialType), { 'main.c': { sha256: digestOf('main') } });
		assert.deepEqual(attestation(collection, productType), {
			app: { mime_type: 'application/octet-stream', digest: { sha256: digestOf('app') } },
		});
		const run = attestation<CommandRun>(collection, commandRunType);
		assert.deepEqual(run.cmd, ['/usr/bin/make', 'all', 'CFLAGS=-O2 -g']);
		assert.equal(run.exitcode, 0);
		assert.deepEqual(
			run.processes.map((p) => [p.program, p.processid, p.parentpid, p.programdigest?.sha256, p.cmdline]),
			[
				['/usr/bin/make', 100, 0, digestOf('make'), '/usr/bin/make all "CFLAGS=-O2 -g"'],
				['/usr/bin/cc', 101, 100, digestOf('cc'), '/usr/bin/cc -o app main.c'],
			],
		);
		assert.equal(run.processes[1]?.openedfiles?.['/usr/include/stdio.h']?.sha256, digestOf('stdio'));
		assert.deepEqual(statements.get('collection')?.subject, [
			{ name: 'https://witness.dev/attestations/product/v0.1/file:app', digest: { sha256: digestOf('app') } },
			{ name: `https://witness.dev/attestations/git/v0.1/commithash:${commit}`, digest: { sha1: commit } },
		]);
		const vsa = predicateOf<VerificationSummary>(statements, 'vsa');
		assert.equal(vsa.verificationResult, 'PASSED');
		assert.equal(vsa.timeVerified, new Date((start + 500) / 1000).toISOString().replace('Z', '500Z'));
		assert.equal(vsa.inputAttestations.length, 3);
		const names = statements.get('index')?.subject.map((s) => s.name.split('/').slice(5).join('/'));
		assert.equal(names?.length, 5);
		assert.ok(names.every((n) => !n.startsWith('file:')));
	});

	test('of another verdict carry its name, and a summary that failed', async () => {
		for (const verdict of ['failed', 'incomplete'] as const) {
			const { statements } = await derive([buildFacts()], { verdict });
			assert.equal(collectionOf(statements).name, `build.${verdict}`);
			const vsa = predicateOf<VerificationSummary>(statements, 'vsa');
			assert.equal(vsa.verificationResult, 'FAILED');
			assert.equal(vsa.affidavit_verdict, verdict);
		}
	});

	test('carry a claimed commit as a claim only', async () => {
		const { statements } = await derive([buildFacts()], { manifest: '', commit: '', verdict: 'incomplete' });
		assert.ok(!statements.get('collection')?.subject.some((s) => s.name.includes('commithash')));
		assert.equal(predicateOf<RuntimeTrace>(statements, 'runtime-trace').claims.commit, commit);
	});
});

suite('determinism', () => {
	test('the cut of batches, the order of facts within them and duplicates of folded parts leave no trace', async () => {
		const whole = await derive([manyFacts(60)]);
		await fc.assert(
			fc.asyncProperty(
				fc.integer({ min: 1, max: 9 }),
				fc.integer(),
				fc.integer({ min: 2, max: 7 }),
				async (n, seed, run) => {
					const facts = manyFacts(60);
					shuffle(facts.files, seed);
					shuffle(facts.processes, seed);
					const split = facts.files.flatMap((f) => (f.count > 1 ? halves(f) : [f]));
					const { payloads, leftovers } = await derive(
						cut({ ...facts, files: split }, n),
						{},
						{ runItemsMax: run * 5 },
					);
					assert.deepEqual(leftovers, []);
					assert.deepEqual(payloads, whole.payloads);
				},
			),
			{ numRuns: 30 },
		);
	});

	test('offsets, keys and the list that held the facts are not in the payloads', async () => {
		const { payloads } = await derive([buildFacts()]);
		const other = await derive([buildFacts()], {
			factsList: 'elsewhere',
			factsPartition: 3,
			factsOffset: 9,
			files: 999,
		});
		assert.deepEqual(other.payloads, payloads);
	});
});

suite('facts that are not those of the verdict', () => {
	const mangled: [string, (b: Uint8Array[]) => Uint8Array[]][] = [
		['a batch is missing', (b) => b.slice(0, -1)],
		['batches are swapped', (b) => [b[1], b[0], ...b.slice(2)] as Uint8Array[]],
		['a byte differs', (b) => b.map((x, i) => (i === 1 ? x.map((v, at) => (at === x.length - 3 ? v ^ 1 : v)) : x))],
		['bytes are no batch', (b) => [...b.slice(0, -1), Buffer.from('nonsense')]],
	];
	for (const [title, mangle] of mangled)
		test(`${title}: refused, nothing derived`, async () => {
			const { result, statements } = await derive(cut(buildFacts(), 3), {}, {}, mangle);
			assert.equal(result.kind === 'refused' && result.code, 'facts-mismatch');
			assert.equal(statements.size, 0);
		});

	test('batches after those that the verdict names are not looked at', async () => {
		const { result } = await derive(cut(buildFacts(), 3), {}, {}, (b) => [...b, Buffer.from('late')]);
		assert.equal(result.kind, 'derived');
	});

	test('another session, no first fact, no last fact, a manifest that is gone: refused', async () => {
		const facts = buildFacts();
		const cases = [
			derive([facts], { session: digestOf('another') }),
			derive([{ ...facts, opened: null }]),
			derive([{ ...facts, closed: null }]),
			derive([facts], { manifest: digestOf('gone') }),
		];
		for (const { result, statements } of await Promise.all(cases)) {
			assert.equal(result.kind, 'refused');
			assert.equal(statements.size, 0);
		}
	});
});

suite('bounds', () => {
	test('with too many file facts the log is a blob that the statement names, whole and in order', async () => {
		const { statements, blobs } = await derive([manyFacts(300)], {}, { listedFilesMax: 50, chosenFilesMax: 40 });
		const trace = predicateOf<RuntimeTrace>(statements, 'runtime-trace');
		assert.ok(trace.log);
		const bytes = await blobs.get(trace.log.sha256);
		assert.ok(bytes);
		assert.equal(bytes.length, trace.log.bytes);
		const lines = Buffer.from(bytes).toString('utf8').trimEnd().split('\n');
		assert.equal(lines.length, trace.log.lines);
		assert.equal(lines.filter((l) => l.endsWith('"kind":"file"}')).length, trace.counts.files);
		assert.equal(trace.files.length + trace.omitted.files, trace.counts.files);
		assert.ok(trace.files.length <= 40 && trace.files.length > 0);
	});

	test('the index comes in parts, each with the products', async () => {
		const { statements } = await derive([manyFacts(100)], {}, { indexSubjectsMax: 30 });
		const parts = [...statements].filter(([name]) => name.startsWith('index'));
		assert.ok(parts.length >= 3);
		const digests = new Set<string>();
		for (const [, part] of parts) {
			assert.ok(part.subject.length <= 30);
			assert.ok(part.subject.some((s) => s.name.endsWith('/product:/work/capp/app')));
			for (const s of part.subject) digests.add(s.digest['sha256'] ?? '');
		}
		for (const f of manyFacts(100).files) if (f.op === 'read') assert.ok(digests.has(f.digest));
		const last = parts.map(([, p]) => (p.predicate as { last: boolean }).last);
		assert.deepEqual(last, [...last.slice(0, -1).fill(false), true]);
	});

	test('a collection that cannot hold every process does not get the step name; its summary still passes', async () => {
		const { statements } = await derive([buildFacts()], {}, { collectedProcessesMax: 1 });
		const collection = collectionOf(statements);
		assert.equal(collection.name, 'build.incomplete');
		assert.equal(collection.affidavit.omitted.processes, 1);
		assert.equal(predicateOf<VerificationSummary>(statements, 'vsa').verificationResult, 'PASSED');
	});

	test('facts beyond what is held make the session incomplete', async () => {
		const { statements } = await derive([buildFacts()], {}, { heldFactsMax: 1 });
		assert.equal(predicateOf<VerificationSummary>(statements, 'vsa').affidavit_verdict, 'incomplete');
		assert.equal(collectionOf(statements).name, 'build.incomplete');
		assert.ok(predicateOf<RuntimeTrace>(statements, 'runtime-trace').dropped > 0);
	});

	test('collected files are bounded, workspace first, and what is left out is counted', async () => {
		const { statements } = await derive([manyFacts(100)], {}, { collectedFilesMax: 10 });
		const collection = collectionOf(statements);
		const run = attestation<CommandRun>(collection, commandRunType);
		const opened = run.processes.flatMap((p) => Object.keys(p.openedfiles ?? {}));
		assert.equal(opened.length, 10);
		assert.ok(opened.every((p) => p.startsWith(workspace)));
		assert.ok(collection.affidavit.omitted.openedfiles > 0);
	});
});

test('hostile paths stay what they are', async () => {
	const facts = buildFacts();
	const names = ['__proto__', 'a\nb', 'constructor', '"quoted"', '�'];
	for (const name of names) facts.files.push(fileFact({ path: `${workspace}/${name}`, ino: name, count: 2 }));
	facts.files.push(fileFact({ path: '__proto__', ino: 'p' }));
	facts.products.push({ ...(facts.products[0] as Facts['products'][0]), path: `${workspace}/__proto__`, ino: 'q' });
	const { payloads, statements } = await derive([facts]);
	const material = attestation<object>(collectionOf(statements), materialType);
	for (const name of names) assert.ok(Object.hasOwn(material, name), name);
	assert.ok(payloads.get('collection')?.includes('"__proto__":{"digest":'));
});

test("a digest that another file carries with another size is that other file's, though the stream did not know it then", async () => {
	const facts = buildFacts();
	const as = { op: 'execute' as const, path: '/usr/bin/as', ino: '4', flags: -1, size: 9, digest: digestOf('as') };
	facts.processes.push(
		processFact({
			execId: 'cc2',
			pid: 102,
			timeUs: start + 60,
			binary: '/usr/bin/cc',
			ino: '3',
			digest: digestOf('as'),
		}),
		processFact({
			execId: 'as',
			pid: 103,
			timeUs: start + 70,
			binary: '/usr/bin/as',
			ino: '4',
			digest: digestOf('as'),
		}),
	);
	facts.files.push(
		fileFact({ ...as, execId: 'cc2', path: '/usr/bin/cc', ino: '3', size: 2 }),
		fileFact({ ...as, execId: 'as' }),
		fileFact({ ...as, execId: 'as', flags: 32800 }),
	);
	const { statements } = await derive([facts]);
	const run = attestation<CommandRun>(collectionOf(statements), commandRunType);
	assert.deepEqual(
		run.processes.slice(2).map((p) => p.programdigest?.sha256),
		[undefined, digestOf('as')],
	);
});

test('an executed file whose digest was mixed up takes that of other executions of the same content, else none', async () => {
	const facts = buildFacts();
	const again = { op: 'execute' as const, path: '/usr/bin/cc', ino: '3', flags: -1 };
	facts.processes.push(
		processFact({
			execId: 'cc2',
			parentExecId: 'make',
			pid: 102,
			timeUs: start + 60,
			binary: '/usr/bin/cc',
			digest: digestOf('as'),
		}),
		processFact({
			execId: 'ld',
			parentExecId: 'cc',
			pid: 103,
			timeUs: start + 70,
			binary: '/usr/bin/ld',
			digest: digestOf('as'),
		}),
		processFact({ execId: 'lost', parentExecId: 'make', pid: 105, timeUs: start + 90, digest: '', dev: -1, ino: '' }),
		processFact({ execId: 'fork', parentExecId: 'cc2', pid: 104, timeUs: start + 80, executed: false, digest: '' }),
	);
	facts.files.push(
		// The open before the first exec agrees with its check.
		fileFact({ ...again, execId: 'cc', digest: digestOf('cc'), flags: 32800 }),
		fileFact({ ...again, execId: 'cc2', digest: digestOf('as'), otherSize: 9 }),
		fileFact({ ...again, execId: 'lost', path: '/usr/lib/ld.so', ino: '5', digest: digestOf('loader'), flags: 32800 }),
		fileFact({ ...again, execId: 'ld', path: '/usr/bin/ld', ino: '4', digest: digestOf('as'), otherSize: 9 }),
	);
	const { statements } = await derive([facts]);
	const run = attestation<CommandRun>(collectionOf(statements), commandRunType);
	const byPid = new Map(run.processes.map((p) => [p.processid, p]));
	assert.equal(byPid.get(102)?.programdigest?.sha256, digestOf('cc'));
	assert.equal(byPid.get(103)?.programdigest, undefined);
	// The sensor lost the events of its own file: the loader's digest is not the program's.
	assert.equal(byPid.get(105)?.programdigest, undefined);
	assert.equal(byPid.get(104)?.programdigest?.sha256, digestOf('cc'));
});

/** A build that reads many headers, some several times. */
function manyFacts(count: number): Facts {
	const facts = buildFacts();
	for (let i = 0; i < count; i++) {
		const path = i % 2 === 0 ? `${workspace}/h${i}.h` : `/usr/include/h${i}.h`;
		facts.files.push(
			fileFact({ path, ino: String(1000 + i), digest: digestOf(`h${i}`), count: 1 + (i % 4), lastUs: start + 200 + i }),
		);
	}
	return facts;
}

const halves = (f: Facts['files'][0]): Facts['files'] => [
	{ ...f, count: 1, lastUs: f.firstUs },
	{ ...f, count: f.count - 1 },
];

function shuffle<T>(list: T[], seed: number): void {
	let state = seed >>> 0;
	for (let i = list.length - 1; i > 0; i--) {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		const j = state % (i + 1);
		[list[i], list[j]] = [list[j] as T, list[i] as T];
	}
}
