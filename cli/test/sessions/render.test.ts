import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { filesByTool } from '../../src/sessions/file-groups.ts';
import { processTree } from '../../src/sessions/process-tree.ts';
import { renderSession } from '../../src/sessions/render.ts';
import { fileOf, processOf, sampleSummary, sampleTrace } from './sample.ts';

test('the tree has the root first and hangs children of left-out forks on what is shown', () => {
	const own = sampleTrace.processes.filter((p) => !p.foreign);
	const lines = (forks: boolean) => processTree(own, forks).map((l) => `${l.depth} ${l.process.execId}`);
	assert.deepEqual(lines(false), ['0 sh', '1 compile']);
	assert.deepEqual(lines(true), ['0 sh', '1 fork', '2 compile']);
});

test('whatever the parents say, every process comes exactly once', () => {
	const id = fc.integer({ min: 0, max: 12 }).map(String);
	fc.assert(
		fc.property(fc.array(fc.tuple(id, id, fc.boolean()), { maxLength: 30 }), (drawn) => {
			const processes = drawn.map(([execId, parent, root]) => processOf(execId, parent, { root }));
			const shown = processTree(processes, true).map((line) => line.process.execId);
			assert.deepEqual(shown.sort(), [...new Set(drawn.map(([execId]) => execId))].sort());
		}),
	);
});

test('a chain of 100,000 execs is no stack overflow', () => {
	const chain = Array.from({ length: 100_000 }, (_, i) => processOf(String(i), String(i - 1), { timeUs: i }));
	assert.equal(processTree(chain, true).at(-1)?.depth, 99_999);
});

test('files are grouped by tool, uses folded over processes', () => {
	const tools = filesByTool(
		[
			fileOf('a', 'read', '/w/x', { digest: 'd1', assurance: 'kernel' }),
			fileOf('b', 'read', '/w/x', { digest: 'd1', assurance: 'kernel', count: 2 }),
			fileOf('b', 'read', '/w/x', { digest: 'd2', assurance: 'kernel' }),
			fileOf('b', 'write', '/w/__proto__'),
		],
		[processOf('a', '', { binary: '/bin/cc1' }), processOf('b', '', { binary: '/bin/cc1' })],
		'/w',
	);
	assert.equal(tools.length, 1);
	assert.deepEqual(
		tools[0]?.lines.map((l) => [l.use, l.path, l.digest, l.count]),
		[
			['read', 'x', 'd1', 3],
			['read', 'x', 'd2', 1],
			['write', '__proto__', '', 1],
		],
	);
});

test('the page names what matters and lets no escape sequence through', () => {
	const page = renderSession(sampleSummary, sampleTrace, { all: false });
	for (const expected of [
		/critical compiler-read-differs-from-repo main\.go/,
		/writer {3}\/bin\/python3/,
		/101 +- +- +\/bin\/sh -c "build\\x1b\[2J"/,
		/ {2}103 +exit 0 +- +\/bin\/compile/,
		/\/bin\/python3 \(outside the session\)\n +write +- +none +×1 {2}main\.go/,
		/read +bcbcbcbcbcbc +kernel +×1 {2}main\.go/,
		/1 outside the workspace or in \.git; --all shows them/,
		/connect {2}AF_INET 10\.0\.0\.1 port 443 {2}×3 {2}\/bin\/compile/,
		/rules that could not see {2}foreign-ptrace/,
	])
		assert.match(page, expected);
	assert.equal(page.includes('\u001b'), false);
	assert.match(renderSession(sampleSummary, sampleTrace, { all: true }), /mix-up +×1 {2}\/usr\/lib\/x\.so/);
	assert.match(renderSession(sampleSummary, null, { all: false }), /verdict +failed/);
});

test('a long session is cut, and says by how much', () => {
	const files = Array.from({ length: 500 }, (_, i) => fileOf('compile', 'read', `/w/f${i}`));
	const page = renderSession(sampleSummary, { ...sampleTrace, files }, { all: false });
	assert.ok(page.split('\n').length < 250);
	assert.match(page, /… 381 more; --all shows them/);
});
