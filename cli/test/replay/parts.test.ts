// The pure parts of a replay: times, marks, what changed between two snapshots.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isChanged, judgedSession, markFindings } from '@affidavit/cli/replay/report.ts';
import {
	createSnapshotComparer,
	indicatorsChange,
	manifestChange,
	rulesChange,
} from '@affidavit/cli/replay/snapshots.ts';
import type { FoundThen, VerdictThen } from '@affidavit/cli/replay/then.ts';
import { duration, timeOption, windowOf } from '@affidavit/cli/replay/window.ts';
import type { Finding, Verdict } from '@affidavit/model/generated/verdict.ts';
import { StreamError } from '@affidavit/stream/errors.ts';

const nowMs = Date.parse('2026-11-23T12:00:00Z');

test('times: RFC 3339, a day, how long ago, now; anything else is refused in a sentence', () => {
	const time = timeOption(nowMs);
	assert.equal(time('2026-11-20T08:00:00Z'), Date.parse('2026-11-20T08:00:00Z') * 1000);
	assert.equal(time('2026-11-20T09:00:00+01:00'), Date.parse('2026-11-20T08:00:00Z') * 1000);
	assert.equal(time('2026-11-20'), Date.parse('2026-11-20T00:00:00Z') * 1000);
	assert.equal(time('90m'), (nowMs - 5_400_000) * 1000);
	assert.equal(time('now'), nowMs * 1000);
	for (const bad of ['', 'yesterday', '2026-13-01', '2026-11-20T08:00:00', '1969-01-01', '5w', '-1h', '2026'])
		assert.throws(() => time(bad), /expected 2026-11-20T08:00:00Z/, bad);
	assert.equal(duration('7d'), 604_800_000);
	for (const bad of ['7', 'd', '1.5h', '99999999d']) assert.throws(() => duration(bad), /expected a duration/, bad);
});

test('window: is read from one longest session and the horizon before, and until one after', () => {
	const config = { sessionMaxMs: 3_600_000, skewMsMax: 10_000, graceMs: 60_000 };
	const window = windowOf({ fromUs: 1e13, toUs: 2e13 }, config);
	assert.equal(window.readFromUs, 1e13 - (3_670_000 + 1_800_000) * 1000);
	assert.equal(window.readToUs, 2e13 + (3_670_000 + 1_800_000) * 1000);
	assert.equal(windowOf({ fromUs: 5, toUs: 9 }, config, 0).readFromUs, 0);
});

const found = (id: string, severity: FoundThen['severity'] = 'high'): FoundThen => ({
	id,
	rule: 'r',
	title: 't',
	severity,
	path: null,
	digest: null,
});
const finding = (id: string, severity: FoundThen['severity'] = 'high'): Finding =>
	({ ...found(id, severity), explanation: `why ${id}` }) as Finding;

test('marks: new, gone, same by id; another severity is said', () => {
	const marked = markFindings([finding('a'), finding('b', 'low')], [found('b', 'high'), found('c')]);
	assert.deepEqual(
		marked.map(({ mark, id, severityBefore }) => [mark, id, severityBefore]),
		[
			['new', 'a', undefined],
			['gone', 'c', undefined],
			['same', 'b', 'high'],
		],
	);
	assert.equal(marked[0]?.explanation, 'why a');
});

const then: VerdictThen = {
	revision: 1,
	verdict: 'passed',
	findings: [found('a')],
	ruleSet: 'r1',
	indicatorSet: 'i1',
	manifest: 'm1',
	manifestNote: '',
	cut: false,
	loggedUs: 0,
};

test('changed: another verdict, finding or severity; not the same again', () => {
	const verdict = (value: Verdict['verdict'], findings: Finding[]): Verdict =>
		({ verdict: value, findings, completeness: { reasons: [] } }) as unknown as Verdict;
	const frame = { session: 's', opened: null, before: then };
	assert.equal(isChanged(judgedSession(frame, verdict('passed', [finding('a')]), null, null)), false);
	assert.equal(isChanged(judgedSession(frame, verdict('failed', [finding('a')]), null, null)), true);
	assert.equal(isChanged(judgedSession(frame, verdict('passed', []), null, null)), true);
	assert.equal(isChanged(judgedSession(frame, verdict('passed', [finding('a', 'low')]), null, null)), true);
	assert.equal(isChanged(judgedSession({ ...frame, before: null }, verdict('passed', []), null, null)), true);
});

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

test('snapshots: which rules and how many indicators changed; what is gone or no snapshot is said to be', async () => {
	const rule = (id: string, when: string): unknown => ({ id, when });
	const before = json({ rules: [rule('a', '1'), rule('b', '1'), rule('__proto__', '1')], options: {} });
	const after = json({ rules: [rule('b', '2'), rule('c', '1'), rule('__proto__', '1')], options: {} });
	assert.deepEqual(rulesChange(before, after), {
		state: 'changed',
		added: ['c'],
		removed: ['a'],
		changed: ['b'],
		options: false,
	});
	assert.deepEqual(rulesChange(json([]), after), { state: 'changed-unknown' });
	const entry = (value: string, reason: string): unknown => ({ kind: 'digest', value, reason });
	assert.deepEqual(
		indicatorsChange(json([entry('x', '1'), entry('y', '1')]), json([entry('y', '2'), entry('z', '')])),
		{
			state: 'changed',
			added: 1,
			removed: 1,
			changed: 1,
		},
	);
	assert.deepEqual(indicatorsChange(Buffer.from('{'), json([])), { state: 'changed-unknown' });
	assert.deepEqual(
		[manifestChange('a', 'a'), manifestChange('a', 'b'), manifestChange('', 'b'), manifestChange('a', '')],
		['same', 'changed', 'resolved-now', 'unresolved-now'],
	);
	assert.equal(manifestChange('', ''), 'unresolved');

	const asked: string[] = [];
	const comparer = createSnapshotComparer(
		{ digest: 'r2', bytes: after },
		{ digest: 'i1', bytes: json([]) },
		{
			get: async (digest) => {
				asked.push(digest);
				if (digest === 'bad') throw new StreamError('blob-corrupt', 'bad');
				return digest === 'r1' ? before : null;
			},
		},
	);
	const compared = await comparer.compare(then, 'm1');
	assert.deepEqual(compared.indicators, { state: 'same' });
	assert.equal(compared.rules.state, 'changed');
	await comparer.compare(then, 'm2');
	assert.deepEqual(asked, ['r1']);
	assert.deepEqual((await comparer.compare({ ...then, ruleSet: 'bad' }, '')).rules, { state: 'changed-unknown' });
	assert.deepEqual((await comparer.compare({ ...then, ruleSet: 'gone' }, '')).rules, { state: 'changed-unknown' });
});
