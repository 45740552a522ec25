// From batches and ticks to leads and verdicts: a silence that ends well leaves nothing, one that does not makes incomplete.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findingCodec, verdictCodec } from '@affidavit/model/codec.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import type { Finding } from '@affidavit/model/generated/finding.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import { createAgent, type Decoded, run, tick } from '../../correlate/test/support/pipeline.ts';
import { build, renumbered } from '../../correlate/test/support/small-build.ts';
import { createIndicatorSet } from '../src/core/indicator-set.ts';
import { loadRuleSet } from '../src/rules/load.ts';
import { createDetectStage } from '../src/stage.ts';

const second = 1_000_000;
const minute = 60 * second;
const correlatePartition = 3;

/** The batches of a live build, the first two and the others. */
function parts(): { before: LogRecord[]; after: LogRecord[]; atUs: number } {
	const { story, cuts } = build();
	const agent = createAgent('host', 'export');
	const timeOf = (cut: readonly Decoded[]): number => (cut.at(-1) as Decoded).event.timeUs;
	const records = cuts.map((cut) => agent.record(cut, { observedUs: timeOf(cut) }));
	for (let at = story.nowUs(); at < story.nowUs() + 2 * minute; at += 5 * second)
		records.push(agent.record([], { observedUs: at }));
	return { before: records.slice(0, 2), after: records.slice(2), atUs: timeOf(cuts[1] as Decoded[]) };
}

const ticks = (atUs: number, untilUs: number): LogRecord[] => {
	const made: LogRecord[] = [];
	for (let at = 30 * second; at <= untilUs; at += 10 * second) made.push(tick('host', atUs + at));
	return made;
};

/** Through correlate and detect. */
async function judge(records: readonly LogRecord[]): Promise<{ findings: Finding[]; verdicts: Verdict[] }> {
	const { batches } = await run(renumbered(records));
	const { emit } = collectingEmit();
	const lists = batches;
	const stage = createDetectStage({
		rules: loadRuleSet(),
		indicators: () => createIndicatorSet([]),
		resolveManifest: async () => ({ manifest: null, note: 'not-configured' }),
		blobs: { put: async (bytes) => sha256Hex(bytes) },
		async *readFacts(session, hint) {
			assert.deepEqual(hint, { partition: correlatePartition, fromOffset: 10 });
			yield* lists.get(session) ?? [];
		},
		emit,
	});
	const findings: Finding[] = [];
	const verdicts: Verdict[] = [];
	let offset = 10;
	let cells = new Map<string, Uint8Array>();
	for (const [key, list] of batches)
		for (const value of list) {
			// A new worker for every record: all that counts is in the cells and the facts.
			const worker = await stage.open(0, cells);
			const origin = { stage: 'correlate', partition: correlatePartition, offset, index: 0 };
			const record: LogRecord = {
				topic: 'session',
				partition: 0,
				offset: offset++,
				key,
				value,
				timestampUs: -1,
				origin,
				seal: null,
				traceparent: null,
			};
			const result = await worker.step([record], false);
			cells = new Map([...cells, ...result.cells].filter((c): c is [string, Uint8Array] => c[1] !== null));
			for (const out of result.outputs.flatMap((o) => o.records))
				if (out.topic === 'finding') findings.push(findingCodec.decode(out.value));
				else verdicts.push(verdictCodec.decode(out.value));
		}
	return { findings, verdicts };
}

const silent = ({ findings }: { findings: Finding[] }): string[] =>
	findings.filter((f) => f.rule === 'sensor-silent').map((f) => f.state);

/** Without what says where the facts lie and how they were cut. */
const judged = ({ verdicts: [verdict] }: { verdicts: Verdict[] }) => ({
	...verdict,
	factsHead: null,
	factBatches: null,
});

test('a host that comes back: a lead, its withdrawal, and the verdict of one that was never silent', async () => {
	const { before, after, atUs } = parts();
	const undisturbed = await judge([...before, ...after]);
	const back = await judge([...before, ...ticks(atUs, 5 * minute), ...after]);
	assert.deepEqual(silent(undisturbed), []);
	assert.deepEqual(silent(back), ['lead', 'withdrawn']);
	assert.deepEqual(judged(back), judged(undisturbed));
	assert.deepEqual([back.verdicts[0]?.factsPartition, back.verdicts[0]?.factsOffset], [correlatePartition, 10]);
});

test('a host that does not: a lead, confirmed, in an incomplete session', async () => {
	const { before, atUs } = parts();
	const gone = await judge([...before, ...ticks(atUs, 16 * minute)]);
	assert.deepEqual(silent(gone), ['lead', 'confirmed']);
	const [verdict] = gone.verdicts;
	assert.equal(verdict?.verdict, 'incomplete');
	assert.ok(verdict?.completeness.gaps.some((g) => g.cause === 'sensor-silent'));
	assert.equal(new Set(gone.findings.filter((f) => f.rule === 'sensor-silent').map((f) => f.id)).size, 1);
});
