import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findingCodec, verdictCodec } from '@affidavit/model/codec.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { chainStart, emptyFacts, encodeFactBatch, type Facts } from '@affidavit/model/facts.ts';
import type { Finding, Verdict } from '@affidavit/model/generated/verdict.ts';
import { manifestBytes } from '@affidavit/model/manifest.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import type { StageWorker, StepResult } from '@affidavit/stream/stage.ts';
import { defaultLimits } from '../src/core/limits.ts';
import { caseDigest, caseFacts, caseIndicators, caseManifest, caseSession } from '../src/rules/cases.ts';
import { loadRuleSet } from '../src/rules/load.ts';
import { createDetectStage, type DetectStageDeps } from '../src/stage.ts';

const rules = loadRuleSet();
type Given = Parameters<typeof caseFacts>[0];

/** Facts as a chain of encoded batches: the first with what opened it, the last with its close. */
function chain(parts: Given[], session = caseSession): Uint8Array[] {
	let previous: Uint8Array = Buffer.from(chainStart);
	return parts.map((given, i) => {
		const all = caseFacts(given);
		const facts: Facts = {
			...emptyFacts(),
			opened: i === 0 ? all.opened : null,
			processes: i === 0 ? all.processes : [],
			files: all.files,
			ptraces: all.ptraces,
			products: all.products,
			closed: i === parts.length - 1 ? all.closed : null,
		};
		const { bytes, head } = encodeFactBatch({ session, sequence: i, previous, watermarkUs: i }, facts);
		previous = head;
		return bytes;
	});
}

const recordsOf = (batches: readonly Uint8Array[], from = 0, key = caseSession): LogRecord[] =>
	batches.map((value, i) => ({
		topic: 'session',
		partition: 0,
		offset: from + i,
		key,
		value,
		timestampUs: -1,
		origin: null,
		seal: null,
		traceparent: null,
	}));

interface World {
	deps: DetectStageDeps;
	blobs: Map<string, Uint8Array>;
	cells: Map<string, Uint8Array>;
	events: ReturnType<typeof collectingEmit>;
	worker(): Promise<StageWorker>;
	/** Steps record by record, applying the cells as a commit would. */
	run(worker: StageWorker, records: readonly LogRecord[]): Promise<StepResult[]>;
}

function world(stored: readonly Uint8Array[], over: Partial<DetectStageDeps> = {}): World {
	const blobs = new Map<string, Uint8Array>();
	const cells = new Map<string, Uint8Array>();
	const events = collectingEmit();
	const deps: DetectStageDeps = {
		rules,
		indicators: () => caseIndicators(['$trojan']),
		resolveManifest: async () => ({ manifest: caseManifest(undefined), note: '' }),
		blobs: {
			put: async (bytes) => {
				blobs.set(sha256Hex(bytes), bytes);
				return sha256Hex(bytes);
			},
		},
		async *readFacts() {
			yield* stored;
		},
		emit: events.emit,
		...over,
	};
	return {
		deps,
		blobs,
		cells,
		events,
		worker: () => createDetectStage(deps).open(0, new Map(cells)),
		async run(worker, records) {
			const results: StepResult[] = [];
			for (const record of records) {
				const result = await worker.step([record], false);
				for (const [name, bytes] of result.cells) bytes ? cells.set(name, bytes) : cells.delete(name);
				results.push(result);
			}
			return results;
		},
	};
}

const findingsOf = (results: readonly StepResult[]): Finding[] =>
	results
		.flatMap((r) => r.outputs.flatMap((o) => o.records))
		.flatMap((r) => (r.topic === 'finding' ? [findingCodec.decode(r.value)] : []));
const verdictsOf = (results: readonly StepResult[]): Verdict[] =>
	results
		.flatMap((r) => r.outputs.flatMap((o) => o.records))
		.flatMap((r) => (r.topic === 'verdict' ? [verdictCodec.decode(r.value)] : []));
const brief = (findings: readonly Finding[]): string[] => findings.map((f) => `${f.state} ${f.rule} ${f.path}`);

const tampered: Given[] = [
	{ files: [{ execId: 'git', digest: '$a', firstUs: 1_200_000 }] },
	{ files: [{ op: 'write', execId: 'stranger', foreign: true, size: -1, version: 1, firstUs: 1_500_000 }] },
	{ files: [{ digest: '$evil', size: 130, version: 1 }] },
	{},
];

describe('createDetectStage', () => {
	it('emits leads on arrival, then the confirmed findings of the same ids with the verdict', async () => {
		const batches = chain(tampered);
		const w = world(batches);
		const results = await w.run(await w.worker(), recordsOf(batches));
		assert.deepEqual(brief(findingsOf(results.slice(0, 3))), [
			'lead foreign-write-into-workspace src/a.c',
			'lead compiler-read-differs-from-repo src/a.c',
		]);
		const final = findingsOf(results.slice(3));
		assert.deepEqual(brief(final), [
			'confirmed compiler-read-differs-from-repo src/a.c',
			'confirmed foreign-write-into-workspace src/a.c',
		]);
		const leadIds = findingsOf(results.slice(0, 3)).map((f) => f.id);
		assert.deepEqual(new Set(final.map((f) => f.id)), new Set(leadIds));
		const [verdict] = verdictsOf(results);
		assert.equal(verdict?.verdict, 'failed');
		assert.equal(verdict?.factBatches, 4);
		assert.equal(verdict?.factsList, `facts:${caseSession}`);
		assert.equal(Buffer.from(verdict?.factsHead ?? []).toString('hex'), sha256Hex(batches[3] as Uint8Array));
	});

	it('after a lost store judges no session whose beginning lies before the low water, and takes no late facts of it', async () => {
		const batches = chain(tampered);
		const w = world(batches);
		const worker = await w.worker();
		const records = recordsOf(batches);
		const results: StepResult[] = [];
		for (const record of records.slice(2)) results.push(await worker.step([record], false, 4));
		for (const result of results) assert.deepEqual([result.outputs, result.deadLetters], [[], []]);
		assert.equal(w.events.count('fact_batch_dropped'), 2);
		const late = await worker.step([{ ...(records[3] as LogRecord), offset: 9 }], false, 4);
		assert.deepEqual(
			late.deadLetters.map((d) => d.code),
			['late-facts'],
		);
	});

	it('tells the reader of facts what topic session has told of them', async () => {
		const batches = chain(tampered);
		const asked: (number | undefined)[] = [];
		const w = world(batches, {
			async *readFacts(_session, _partition, expected) {
				asked.push(expected?.batches);
				yield* batches.slice(0, expected?.batches);
			},
		});
		const records = recordsOf(batches);
		await w.run(await w.worker(), records.slice(0, 2));
		const [verdict] = verdictsOf(await w.run(await w.worker(), records.slice(2)));
		assert.equal(verdict?.verdict, 'failed');
		assert.deepEqual(new Set(asked), new Set([2, 4]));
	});

	it('pins snapshots that are stored', async () => {
		const batches = chain(tampered);
		const w = world(batches);
		const [verdict] = verdictsOf(await w.run(await w.worker(), recordsOf(batches)));
		assert.ok(verdict);
		for (const digest of [verdict.ruleSet, verdict.indicatorSet, verdict.manifest])
			assert.ok(w.blobs.has(digest), digest);
		const manifest = caseManifest(undefined);
		assert.equal(verdict.manifest, manifest && manifestBytes(manifest).digest);
	});

	it('withdraws a lead that the close does not confirm', async () => {
		const batches = chain([
			{ files: [{ digest: '$other', firstUs: 2_000_000 }] },
			{ files: [{ execId: 'git', digest: '$a', firstUs: 2_500_000 }] },
			{},
		]);
		const w = world(batches);
		const results = await w.run(await w.worker(), recordsOf(batches));
		// The manifest arrives after the first batch: its inputs waited for it.
		assert.deepEqual(brief(findingsOf(results)), [
			'lead compiler-read-differs-from-repo src/a.c',
			'withdrawn compiler-read-differs-from-repo src/a.c',
		]);
		assert.equal(verdictsOf(results)[0]?.verdict, 'passed');
	});

	it('gives no lead for a digest that is known to be mixed up, but for a denied one', async () => {
		const batches = chain([
			{},
			{
				files: [
					{ digest: '$other', otherSize: 7 },
					{ op: 'execute', path: '/usr/bin/x', ino: '9', digest: '$trojan', otherSize: 7 },
				],
			},
			{},
		]);
		const w = world(batches);
		const results = await w.run(await w.worker(), recordsOf(batches));
		const leads = findingsOf(results).filter((f) => f.state === 'lead');
		assert.deepEqual(brief(leads), ['lead denied-tool-digest /usr/bin/x']);
		assert.equal(leads[0]?.attribution, 'uncertain');
		assert.equal(leads[0]?.digest, caseDigest('$trojan'));
	});

	it('gives the same outputs when it restarts before every record', async () => {
		const batches = chain(tampered);
		const straight = world(batches);
		const expected = await straight.run(await straight.worker(), recordsOf(batches));
		const restarted = world(batches);
		const results: StepResult[] = [];
		for (const record of recordsOf(batches)) {
			const worker = await restarted.worker();
			results.push(...(await restarted.run(worker, [record])));
		}
		assert.deepEqual(verdictsOf(results), verdictsOf(expected));
		const confirmed = (r: StepResult[]): Finding[] => findingsOf(r).filter((f) => f.state === 'confirmed');
		assert.deepEqual(confirmed(results), confirmed(expected));
		const [lead] = findingsOf(results).filter((f) => f.rule === 'foreign-write-into-workspace');
		assert.equal(lead?.writer?.binary, '/usr/bin/python3', 'the process is known from the stored facts');
	});

	it('judges from the store what is too large for memory, with the same verdict', async () => {
		const batches = chain(tampered);
		const straight = world(batches);
		const large = world(batches, { limits: { ...defaultLimits, cachedFacts: 1 } });
		const a = verdictsOf(await straight.run(await straight.worker(), recordsOf(batches)));
		const b = verdictsOf(await large.run(await large.worker(), recordsOf(batches)));
		assert.deepEqual(a, b);
	});

	it('leaves nothing of a closed session but its name, and refuses late facts', async () => {
		const batches = chain(tampered);
		const w = world(batches);
		const worker = await w.worker();
		const open = await w.run(worker, recordsOf(batches.slice(0, 3)));
		assert.equal(open[2]?.rebuildOffset, 0);
		const [closed] = await w.run(worker, recordsOf(batches.slice(3), 3));
		assert.equal(closed?.rebuildOffset, 4);
		assert.deepEqual([...w.cells.keys()], [`closed:${caseSession}`]);
		const [late] = await w.run(await w.worker(), recordsOf([batches[0] as Uint8Array], 4));
		assert.deepEqual(
			late?.deadLetters.map((d) => d.code),
			['late-facts'],
		);
		assert.deepEqual(late?.outputs, []);
	});

	it('drops a batch that comes twice', async () => {
		const batches = chain(tampered);
		const w = world(batches);
		const twice = recordsOf([batches[0], batches[0], ...batches.slice(1)] as Uint8Array[]);
		const results = await w.run(await w.worker(), twice);
		assert.equal(w.events.count('fact_batch_dropped'), 1);
		assert.deepEqual(
			results.flatMap((r) => r.deadLetters),
			[],
		);
		assert.deepEqual(verdictsOf(results)[0]?.completeness.reasons, []);
	});
});

describe('createDetectStage: chains that do not hold', () => {
	it('a missing batch makes the session incomplete; the stored facts are judged', async () => {
		const batches = chain(tampered);
		const w = world(batches);
		const results = await w.run(await w.worker(), recordsOf([batches[0], batches[2], batches[3]] as Uint8Array[]));
		assert.deepEqual(
			results.flatMap((r) => r.deadLetters.map((d) => d.code)),
			['fact-chain-broken'],
		);
		const [verdict] = verdictsOf(results);
		assert.equal(verdict?.verdict, 'failed');
		assert.deepEqual(verdict?.completeness.reasons, ['trace-incomplete']);
		assert.equal(verdict?.completeness.gaps[0]?.cause, 'chain-broken');
		assert.ok(verdict?.findings.some((f) => f.rule === 'foreign-write-into-workspace'));
	});

	it('a session whose beginning never came is judged as incomplete, not lost', async () => {
		const clean = chain([{}, { files: [{ digest: '$a' }] }, {}]);
		const w = world(clean);
		const results = await w.run(await w.worker(), recordsOf(clean.slice(1), 1));
		const [verdict] = verdictsOf(results);
		assert.equal(verdict?.verdict, 'incomplete');
		assert.equal(verdict?.repository, 'example/app');
	});

	it('a forged batch is refused and makes the session incomplete', async () => {
		const batches = chain([{}, {}, { files: [{ digest: '$a' }] }, {}]);
		const [forged] = chain([{ files: [{ digest: '$a' }] }]);
		const w = world(batches);
		const stream = recordsOf([batches[0], batches[1], forged, batches[2], batches[3]] as Uint8Array[]);
		const results = await w.run(await w.worker(), stream);
		assert.deepEqual(
			results.flatMap((r) => r.deadLetters.map((d) => d.code)),
			['fact-chain-broken'],
		);
		assert.equal(verdictsOf(results)[0]?.verdict, 'incomplete');
	});

	it('a forged batch far ahead does not keep the session open for ever', async () => {
		const batches = chain([{}, {}, { files: [{ digest: '$a' }] }, {}]);
		const ahead = chain([{}, {}, {}, {}, {}, {}, {}])[5] as Uint8Array;
		const w = world(batches);
		const results = await w.run(await w.worker(), recordsOf([batches[0] as Uint8Array, ahead, ...batches.slice(1)]));
		assert.equal(results.flatMap((r) => r.deadLetters).length, 4);
		const [verdict] = verdictsOf(results);
		assert.equal(verdict?.verdict, 'incomplete');
		assert.equal(verdict?.factBatches, 4);
		assert.equal(verdict?.files, 1);
	});

	it('with too many open sessions the oldest is judged as incomplete', async () => {
		const one = chain([{ files: [{ digest: '$a' }] }, {}]);
		const other = sha256Hex('another');
		const two = chain([{}, {}], other);
		const w = world(one, { limits: { openSessions: 1 } });
		const results = await w.run(await w.worker(), [
			...recordsOf([one[0] as Uint8Array]),
			...recordsOf([two[0] as Uint8Array], 1, other),
		]);
		const [verdict] = verdictsOf(results);
		assert.equal(verdict?.session, caseSession);
		assert.deepEqual(verdict?.completeness.reasons, ['session-limit']);
		assert.equal(w.events.count('session_evicted'), 1);
		assert.deepEqual([...w.cells.keys()].sort(), [`closed:${caseSession}`, `session:${other}`]);
	});

	it('stored facts that are not those of the chain are not judged', async () => {
		const batches = chain(tampered);
		const other = chain([{}, {}, {}, {}]);
		const w = world(other, { limits: { cachedFacts: 0 } });
		const results = await w.run(await w.worker(), recordsOf(batches));
		assert.deepEqual(
			results.flatMap((r) => r.deadLetters.map((d) => d.code)),
			['facts-mismatch'],
		);
		const [verdict] = verdictsOf(results);
		assert.equal(verdict?.verdict, 'incomplete');
		assert.equal(findingsOf(results).filter((f) => f.state === 'withdrawn').length, 0);
	});

	it('bytes that are no batch, and a batch under another key', async () => {
		const batches = chain(tampered);
		const w = world(batches);
		const junk = recordsOf([Buffer.from('junk')]);
		const foreignKey = recordsOf([batches[0] as Uint8Array], 1, sha256Hex('another'));
		const results = await w.run(await w.worker(), [...junk, ...foreignKey]);
		assert.deepEqual(
			results.flatMap((r) => r.deadLetters.map((d) => d.code)),
			['fact-batch-undecodable', 'fact-batch-undecodable'],
		);
		assert.equal(results[0]?.deadLetters[0]?.excerpt, '');
		assert.equal(w.cells.size, 0);
	});

	it('a resolver that throws costs the manifest, not the session', async () => {
		const batches = chain([{ files: [{ digest: '$a' }] }, {}]);
		const w = world(batches, { resolveManifest: () => Promise.reject(new Error('no git')) });
		const [verdict] = verdictsOf(await w.run(await w.worker(), recordsOf(batches)));
		assert.equal(verdict?.verdict, 'incomplete');
		assert.deepEqual(verdict?.completeness.reasons, ['sources-unverified']);
		assert.equal(w.events.count('manifest_unresolved'), 1);
	});

	it('a flood of low leads leaves room for a grave one', async () => {
		const flood = Array.from({ length: 20 }, (_, i) => ({
			op: 'write',
			path: `/w/f${i}`,
			ino: `${100 + i}`,
			execId: 'stranger',
			foreign: true,
			version: 1,
		}));
		const batches = chain([{}, { files: flood }, { ptraces: [{}] }, {}]);
		const w = world(batches, { limits: { leads: 10 } });
		const results = await w.run(await w.worker(), recordsOf(batches));
		const leads = findingsOf(results).filter((f) => f.state === 'lead');
		assert.equal(leads.length, 6);
		assert.equal(leads.at(-1)?.rule, 'foreign-ptrace');
		assert.equal(w.events.count('lead_dropped'), 15);
	});
});
