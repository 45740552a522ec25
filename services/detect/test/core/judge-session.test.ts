import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyFacts, type Facts, type FileFact } from '@affidavit/model/facts.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import fc from 'fast-check';
import { type FactSource, memoryFacts } from '../../src/core/fact-source.ts';
import { judgeSession } from '../../src/core/judge-session.ts';
import { type DetectLimits, defaultLimits } from '../../src/core/limits.ts';
import { caseDigest, caseFacts, caseIndicators, caseManifest, caseSession } from '../../src/rules/cases.ts';
import { loadRuleSet } from '../../src/rules/load.ts';

const rules = loadRuleSet();
type Given = Parameters<typeof caseFacts>[0];

const judge = (
	facts: FactSource,
	given: Given = {},
	limits: Partial<DetectLimits> = {},
	emit = () => {},
): Promise<Verdict> =>
	judgeSession({
		session: caseSession,
		opened: caseFacts(given).opened,
		facts,
		manifest: caseManifest(given.commit),
		manifestNote: '',
		rules,
		indicators: caseIndicators(given.denied ?? []),
		limits: { ...defaultLimits, ...limits },
		gaps: [],
		pins: { factsList: 'facts:x', factsHead: new Uint8Array(32), factBatches: 1 },
		emit,
	});
const judgeGiven = (given: Given, limits: Partial<DetectLimits> = {}): Promise<Verdict> =>
	judge(memoryFacts([caseFacts(given)]), given, limits);

describe('judgeSession', () => {
	it('passes a session whose inputs are right', async () => {
		const verdict = await judgeGiven({
			files: [{ digest: '$a' }, { path: '/usr/include/stdio.h', ino: '5', digest: '$h' }],
			connections: [{}, { execId: 'git' }, { port: 80 }],
		});
		assert.equal(verdict.verdict, 'passed');
		assert.deepEqual(verdict.findings, []);
		assert.deepEqual(verdict.completeness.reasons, []);
		assert.equal(verdict.files, 2);
		assert.equal(verdict.connections, 2);
		assert.equal(verdict.processes, 7);
	});

	it('counts mix-ups and is not made incomplete by them', async () => {
		const verdict = await judgeGiven({
			files: [
				{ digest: '$lib', otherSize: 9, count: 2 },
				{ execId: 'git', digest: '$a' },
				{ digest: '$x', otherSize: 9, path: '/lib/y', ino: '8', size: 10 },
			],
			closed: { copies: 3 },
		});
		assert.equal(verdict.verdict, 'passed');
		assert.equal(verdict.completeness.sensorMixUps, 3);
		assert.equal(verdict.completeness.copies, 3);
	});

	it('is incomplete when an input cannot be judged', async () => {
		const verdict = await judgeGiven({ files: [{ digest: '$other' }] });
		assert.equal(verdict.verdict, 'incomplete');
		assert.deepEqual(verdict.completeness.reasons, ['unverified-input']);
		assert.equal(verdict.completeness.unverified, 1);
	});

	it('is incomplete without a manifest, and says why', async () => {
		const verdict = await judgeGiven({ commit: null, opened: { repository: '' } });
		assert.equal(verdict.verdict, 'incomplete');
		assert.deepEqual(verdict.completeness.reasons, ['sources-unverified']);
		assert.notEqual(verdict.manifestNote, '');
		assert.equal(verdict.manifest, '');
	});

	it('is incomplete when compilers ran but nothing that the commit holds was opened', async () => {
		const verdict = await judgeGiven({ files: [{ path: '/mnt/real/w/src/a.c', digest: '$evil' }] });
		assert.equal(verdict.verdict, 'incomplete');
		assert.deepEqual(verdict.completeness.reasons, ['sources-unverified']);
		assert.match(verdict.manifestNote, /^nothing-compared/);
	});

	it('is incomplete when the workspace is not watched, at its maximum, with known loss', async () => {
		const verdict = await judgeGiven({
			files: [{ digest: '$a' }],
			closed: { workspaceWatched: false, reason: 'maximum' },
			gaps: [{ count: 5 }],
		});
		assert.equal(verdict.verdict, 'incomplete');
		assert.deepEqual(verdict.completeness.reasons, ['session-limit', 'trace-incomplete', 'workspace-unwatched']);
		assert.equal(verdict.completeness.lostEvents, 5);
	});

	it('failed comes before incomplete', async () => {
		const verdict = await judgeGiven({ files: [{ digest: '$evil', size: 7 }], gaps: [{}] });
		assert.equal(verdict.verdict, 'failed');
	});

	it('reports rules that could not see', async () => {
		const verdict = await judgeGiven({ closed: { hooks: ['bprm_check_security', 'file_post_open'] } });
		assert.deepEqual(verdict.completeness.notObservable, [
			'foreign-ptrace',
			'foreign-write-into-workspace',
			'input-in-no-commit',
			'source-swapped-and-restored',
		]);
	});

	it('names who wrote, who read, what was put back, and the product', async () => {
		const verdict = await judgeGiven({
			files: [
				{ execId: 'git', digest: '$a', firstUs: 1_100_000 },
				{ op: 'write', execId: 'stranger', foreign: true, size: -1, version: 1, firstUs: 1_500_000 },
				{ digest: '$evil', size: 130, version: 1 },
				{ op: 'write', execId: 'stranger', foreign: true, size: -1, version: 2, firstUs: 3_000_000 },
				{ execId: 'git', digest: '$a', version: 2, firstUs: 4_000_000 },
			],
			products: [{ path: '/w/build/a.o', writer: 'as', ino: '55' }, {}],
		});
		const finding = verdict.findings.find((f) => f.rule === 'compiler-read-differs-from-repo');
		assert.ok(finding);
		assert.equal(finding.process?.execId, 'cc1');
		assert.equal(finding.writer?.execId, 'stranger');
		assert.equal(finding.expectedDigest, caseDigest('$a'));
		assert.deepEqual(finding.products, ['build/a.o', 'out']);
		assert.match(
			finding.explanation,
			/python3 \(pid 900\), outside the session, wrote it at 1970-01-01T00:00:01\.500000Z/,
		);
		assert.match(finding.explanation, /changed again at 1970-01-01T00:00:03\.000000Z/);
		assert.deepEqual(
			finding.evidence.map((e) => [e.timeUs, e.process?.execId]),
			[
				[1_100_000, 'git'],
				[1_500_000, 'stranger'],
				[2_000_000, 'cc1'],
				[3_000_000, 'stranger'],
				[4_000_000, 'git'],
			],
		);
		assert.ok(verdict.findings.some((f) => f.rule === 'source-swapped-and-restored'));
	});

	it('takes hostile paths as they are', async () => {
		const verdict = await judgeGiven({
			files: [
				{ path: '/w/__proto__', ino: '1', digest: '$x' },
				{ path: '/w/constructor', ino: '2', digest: '$x' },
				{ path: '/w/a\nb', ino: '3', digest: '$x', size: 5 },
				{
					op: 'write',
					path: '/w/__proto__',
					ino: '1',
					execId: 'stranger',
					foreign: true,
					version: 1,
					firstUs: 1_500_000,
				},
			],
			commit: { 'a\nb': { sha256: '$a', size: 4 } },
		});
		assert.equal(verdict.verdict, 'failed');
		assert.ok(verdict.findings.some((f) => f.path === 'a\nb'));
	});

	it('a header that thousands of compilers read costs little, and a mix-up on it no verdict', async () => {
		const processes = Array.from({ length: 6_000 }, (_, i) => ({
			execId: `cc${i}`,
			binary: '/usr/libexec/cc1',
			pid: 2_000 + i,
		}));
		const reads = processes.map(({ execId }, i) => ({ execId, digest: '$a', firstUs: 2_000_000 + i * 2_000 }));
		const facts = caseFacts({ processes, files: [...reads, { digest: '$other', firstUs: 2_500_000 }] });
		const verdict = await judge(memoryFacts([facts]));
		assert.equal(verdict.verdict, 'passed');
		assert.equal(verdict.completeness.sensorMixUps, 1);
		const tampered = caseFacts({ processes, files: reads.map((r) => ({ ...r, digest: '$evil' })) });
		const failed = await judge(memoryFacts([tampered]));
		assert.equal(failed.verdict, 'failed');
		assert.deepEqual(failed.completeness.reasons, []);
		assert.equal(failed.findings.find((f) => f.rule === 'compiler-read-differs-from-repo')?.count, 6_000);
	});

	it('one file that is written over and over stays within its bound', async () => {
		const writes = Array.from({ length: 10_000 }, (_, i) => ({
			op: i % 2 ? 'write' : 'read',
			execId: i % 2 ? 'stranger' : 'cc1',
			foreign: i % 2 === 1,
			digest: i % 2 ? '' : '$a',
			version: i,
			firstUs: 2_000_000 + i,
		}));
		const facts = { ...caseFacts({}), files: writes.flatMap((w) => caseFacts({ files: [w] }).files) };
		const verdict = await judge(memoryFacts([facts]));
		assert.equal(verdict.verdict, 'failed');
		assert.deepEqual(verdict.completeness.reasons, ['session-limit']);
	});

	it('over its bounds it is incomplete, and says so', async () => {
		const files = Array.from({ length: 50 }, (_, i) => ({
			path: `/w/f${i}`,
			ino: `${i}`,
			op: 'write',
			execId: 'stranger',
			foreign: true,
		}));
		const read = { digest: '$a' };
		const collected = collectingEmit();
		const facts = caseFacts({ files: [read, ...files] });
		const verdict = await judge(memoryFacts([facts]), {}, { suspects: 10 }, collected.emit as () => void);
		assert.equal(verdict.verdict, 'incomplete');
		assert.deepEqual(verdict.completeness.reasons, ['session-limit']);
		assert.equal(collected.count('session_limit_reached'), 80);
		const few = await judgeGiven({ files: [read, ...files] }, { findings: 5 });
		assert.equal(few.findings.filter((f) => f.rule === 'foreign-write-into-workspace').length, 5);
		assert.deepEqual(few.completeness.reasons, ['session-limit']);
	});
});

const fileGiven = fc.record({
	op: fc.constantFrom('read', 'read', 'read', 'write', 'open_write', 'rename', 'execute'),
	actor: fc.constantFrom('cc1', 'git', 'make', 'stranger'),
	path: fc.constantFrom('/w/src/a.c', '/w/src/b.c', '/w/gen.c', '/usr/lib/x'),
	ino: fc.constantFrom('10', '11', ''),
	version: fc.integer({ min: 0, max: 3 }),
	size: fc.constantFrom(100, 120, -1),
	digest: fc.constantFrom('$a', '$evil', '$other', ''),
	otherSize: fc.constantFrom(-1, -1, 50),
	firstUs: fc.integer({ min: 500_000, max: 5_000_000 }),
	lasts: fc.constantFrom(0, 500, 700_000),
	count: fc.integer({ min: 1, max: 3 }),
});

describe('judgeSession, properties', () => {
	it('does not depend on how the facts were cut into batches', async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.array(fileGiven, { maxLength: 14 }),
				fc.array(fc.nat(), { maxLength: 6 }),
				async (givens, cuts) => {
					const files = givens
						.map(({ actor, lasts, ...rest }) => ({
							...rest,
							lastUs: rest.firstUs + lasts,
							execId: actor,
							foreign: actor === 'stranger',
						}))
						.filter((f) => !(f.foreign && (f.op === 'read' || f.op === 'execute')));
					const whole = caseFacts({ files, denied: ['$evil'] });
					const one = await judge(memoryFacts([whole]), { denied: ['$evil'] });
					const cut = await judge(memoryFacts(cutFacts(whole, cuts)), { denied: ['$evil'] });
					assert.deepEqual(cut, one);
				},
			),
			{ numRuns: 300 },
		);
	});
});

/** Cuts the file facts at the given places; every second one that stands for two operations comes as two. */
function cutFacts(whole: Facts, cuts: readonly number[]): Facts[] {
	const operations = whole.files.flatMap((f, i) => {
		if (f.count < 2 || i % 2 === 0) return [f];
		return [
			{ ...f, lastUs: f.firstUs, count: 1 },
			{ ...f, firstUs: f.lastUs, count: f.count - 1 },
		];
	});
	const inTime = operations.sort((a, b) => a.firstUs - b.firstUs);
	const at = [...new Set(cuts.map((c) => c % (inTime.length + 1)))].sort((a, b) => a - b);
	const parts: FileFact[][] = [];
	let from = 0;
	for (const to of [...at, inTime.length]) {
		parts.push(inTime.slice(from, to));
		from = to;
	}
	return parts.map((files, i) => ({
		...emptyFacts(),
		opened: i === 0 ? whole.opened : null,
		processes: i === 0 ? whole.processes : [],
		files,
		closed: i === parts.length - 1 ? whole.closed : null,
	}));
}
