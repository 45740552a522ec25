// Whatever a trace looks like, the correlator makes one session of it, with every process and every open in it.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { EnvironmentMatcher } from '@affidavit/correlate/core/matcher.ts';
import { memoryFacts } from '@affidavit/detect/core/fact-source.ts';
import { createIndicatorSet } from '@affidavit/detect/core/indicator-set.ts';
import { judgeSession } from '@affidavit/detect/core/judge-session.ts';
import { defaultLimits } from '@affidavit/detect/core/limits.ts';
import { declaredManifest } from '@affidavit/detect/manifest/declared.ts';
import { loadRuleSet } from '@affidavit/detect/rules/load.ts';
import { importVariables } from '@affidavit/ingest/witness/import-trace.ts';
import { importBatches } from '@affidavit/ingest/witness/ingest.ts';
import type { Facts } from '@affidavit/model/facts.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import fc from 'fast-check';
import { factsOf, hostKey, run } from '../../../services/correlate/test/support/pipeline.ts';
import { imported } from '../../../services/ingest/test/witness/import.ts';
import { collection, type Json } from '../../../services/ingest/test/witness/samples.ts';

const rules = loadRuleSet();

const matcher: EnvironmentMatcher = {
	kind: 'environment',
	id: 'witness-import',
	present: [importVariables.attestation],
	jobKey: [],
	runId: importVariables.run,
	repository: importVariables.repository,
	commit: importVariables.commit,
	workspace: importVariables.workspace,
};

async function correlated(predicate: Json) {
	const trace = imported(predicate);
	const writer = { cells: new Map(), commit: async () => ({ kind: 'published' as const }) };
	const stamp = { timestampUs: -1, origin: null, seal: null, traceparent: null };
	const records = [...importBatches({ trace, key: hostKey, writer, emit: () => {} })].map(
		(record, offset): LogRecord => ({ ...record, topic: 'trace', partition: 0, offset, ...stamp }),
	);
	const result = await run(records, { matchers: [matcher] });
	const sessions = [...factsOf(result).values()];
	const deadLetters = result.results.flatMap((step) => step.deadLetters);
	const dropped = result.notices.filter(({ reason }) => reason !== 'duplicate' && reason !== 'sensor-copy');
	return { trace, sessions, deadLetters, dropped };
}

const hex = fc.integer({ min: 0, max: 15 }).map((n) => n.toString(16).repeat(64));
const name = fc.constantFrom('a.c', 'b.h', '/usr/include/x.h', '/dev/null', '__proto__', '/tmp/y\nz', '../up');
const pid = fc.integer({ min: 1, max: 9 });
const program = fc.constantFrom('/usr/bin/make', '/usr/bin/cc1', './configure', undefined);

const v01 = fc
	.array(
		fc.record({
			processid: pid,
			parentpid: pid,
			program,
			programdigest: fc.option(
				hex.map((sha256) => ({ sha256 })),
				{ nil: undefined },
			),
			openedfiles: fc.dictionary(name, fc.option(hex.map((sha256) => ({ sha256 })))),
		}),
		{ minLength: 1, maxLength: 12 },
	)
	.map((processes) => collection('v0.1', { cmd: ['make'], exitcode: 0, processes }));

const time = fc.integer({ min: 0, max: 5000 }).map((ms) => new Date(Date.UTC(2026, 2, 1) + ms).toISOString());
const v02 = fc
	.record({
		processes: fc.array(fc.record({ processid: pid, parentpid: pid, program, starttime: time, stoptime: time }), {
			maxLength: 10,
		}),
		files: fc.dictionary(
			name,
			fc.record({
				access: fc.array(
					fc.record({
						pid,
						time,
						hashtime: time,
						type: fc.constantFrom('open', 'open', 'write'),
						digest: hex.map((sha256) => ({ sha256 })),
					}),
					{ maxLength: 6 },
				),
			}),
			{ minKeys: 1 },
		),
	})
	.map(({ processes, files }) => collection('v0.2', { cmd: ['make'], exitcode: 0, witnesspid: 7, processes, files }));

const executed = (facts: Facts): number => facts.files.filter(({ op }) => op === 'execute').length;

for (const [version, traces] of [
	['v0.1', v01],
	['v0.2', v02],
] as const)
	it(`property: ${version}: one session, nothing refused, nothing late, nobody outside`, async () => {
		await fc.assert(
			fc.asyncProperty(traces, async (predicate) => {
				const { trace, sessions, deadLetters, dropped } = await correlated(
					JSON.parse(JSON.stringify(predicate)) as Json,
				);
				assert.deepEqual(deadLetters, []);
				assert.deepEqual(dropped, []);
				assert.equal(sessions.length, 1);
				const facts = sessions[0] as Facts;
				assert.equal(facts.opened?.matcher, 'witness-import');
				assert.ok(facts.closed);
				assert.equal(facts.processes.filter(({ foreign }) => !foreign).length, trace.report.processes);
				const opened = new Set(
					trace.events
						.filter(({ event }) => event.kind === 'open' && (event.fileType === '-' || event.digest !== ''))
						.map(({ event }) => event.path),
				);
				const read = new Set(facts.files.filter(({ op }) => op === 'read').map(({ path }) => path));
				assert.deepEqual([...read].sort(), [...opened].sort());
				for (const { digest, assurance } of facts.files)
					assert.ok(digest === '' ? assurance === 'none' : ['ptrace', 'agent', 'declared'].includes(assurance));
				const named = trace.events.filter(({ event }) => event.kind === 'exec').length;
				assert.ok(executed(facts) >= Math.min(named, 1));
				assert.ok(facts.gaps.every(({ cause }) => cause === 'loss-counter' || cause === 'disconnected'));
			}),
			{ numRuns: 150 },
		);
	});

const hexOf = (n: number): string => n.toString(16).repeat(64);
const committed = new Map([
	['src/a.c', hexOf(1)],
	['src/b.c', hexOf(2)],
]);

/** Threads and programs of any kind that open the committed files, and see this or that. */
const builds = fc.array(
	fc.record({
		processid: fc.integer({ min: 2, max: 30 }),
		parentpid: fc.integer({ min: 1, max: 30 }),
		program: fc.constantFrom('/usr/bin/cc1', '/usr/bin/go', '/opt/own-tool', undefined),
		openedfiles: fc.dictionary(
			fc.constantFrom('/home/u/app/src/a.c', '/home/u/app/src/b.c', 'src/a.c', '/usr/include/x.h'),
			fc.integer({ min: 1, max: 4 }).map((n) => ({ sha256: hexOf(n) })),
		),
	}),
	{ minLength: 1, maxLength: 8 },
);

it('property: the rule fires on exactly the committed files that anybody read otherwise', async () => {
	await fc.assert(
		fc.asyncProperty(builds, async (processes) => {
			const root = { processid: 1, program: '/usr/bin/make', openedfiles: {} };
			const run = { cmd: ['make'], exitcode: 0, processes: [root, ...processes] };
			const { sessions } = await correlated(JSON.parse(JSON.stringify(collection('v0.1', run))) as Json);
			const facts = sessions[0] as Facts;
			const verdict = await judgeSession({
				session: 'a'.repeat(64),
				opened: facts.opened,
				facts: memoryFacts([facts]),
				manifest: declaredManifest('', committed),
				manifestNote: '',
				manifestDeclared: true,
				rules,
				indicators: createIndicatorSet([]),
				limits: defaultLimits,
				gaps: [],
				pins: { factsList: '', factsHead: new Uint8Array(32), factBatches: 1 },
				emit: () => {},
			});
			const differing = new Set<string>();
			for (const { openedfiles } of processes)
				for (const [path, { sha256 }] of Object.entries(openedfiles)) {
					const relative = path.replace('/home/u/app/', '');
					if (committed.has(relative) && committed.get(relative) !== sha256) differing.add(relative);
				}
			const fired = verdict.findings.filter(({ rule }) => rule === 'compiler-read-differs-from-repo');
			assert.deepEqual([...new Set(fired.map(({ path }) => path))].sort(), [...differing].sort());
			assert.equal(verdict.verdict, differing.size > 0 ? 'failed' : 'incomplete');
		}),
		{ numRuns: 150 },
	);
});
