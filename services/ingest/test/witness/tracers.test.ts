import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ImportedTrace } from '../../src/witness/import-trace.ts';
import { imported, linesOf } from './import.ts';
import { collection, demoRun, digestOfText, ebpfRun, endUs, ptraceRun, startUs, workspace } from './samples.ts';

const about = ({ events }: ImportedTrace): string[] =>
	events.filter(({ event }) => event.hook === 'imported:about').map(({ event }) => event.path);

describe('a command-run v0.1 of the ptrace tracer', () => {
	const trace = imported(collection('v0.1', ptraceRun()));

	it('is told by what only that tracer writes', () => {
		assert.equal(trace.report.backend, 'ptrace');
		assert.equal(trace.report.assurance, 'ptrace');
	});

	it('gives a tree of processes, parents first, rooted at the command', () => {
		const [root] = trace.events;
		assert.equal(root?.process.binary, '/usr/bin/make');
		assert.equal(root?.process.arguments, 'app "X=a b"');
		const seen = new Set<string>();
		for (const { process, parent } of trace.events) {
			if (parent !== null) assert.ok(seen.has(parent.execId), `${process.binary} comes before its parent`);
			seen.add(process.execId);
		}
		assert.equal(seen.size, 6);
	});

	it('uses the digest of the program that was executed, and keeps the one of the image before under its own path', () => {
		const checks = trace.events.filter(({ event, process }) => event.kind === 'check' && process.pid === 103);
		assert.deepEqual(
			checks.map(({ event }) => [event.path, event.digest, event.hook]),
			[
				['/proc/103/exe', digestOfText('gcc'), 'imported:ptrace:exec'],
				['/usr/libexec/gcc/x86_64-linux-gnu/14/cc1', digestOfText('cc1'), 'imported:ptrace:exec'],
			],
		);
	});

	it('takes no command line of the image before', () => {
		assert.ok(trace.events.every(({ process }) => process.pid === 100 || process.arguments === ''));
		assert.equal(trace.report.staleCommandLines, 4);
	});

	it('calls a digest of a relative path, or of what was not there before, no better than late', () => {
		const lines = linesOf(trace);
		assert.ok(lines.includes(`cc1 open ${workspace}/src/a.c imported:agent:open`));
		assert.ok(lines.includes(`cc1 open ${workspace}/src/a.h imported:ptrace:open`));
		assert.ok(lines.includes(`ld open ${workspace}/app imported:agent:open`));
		assert.deepEqual(trace.report.digests, { ptrace: 4, agent: 3, declared: 0, none: 0 });
		assert.equal(trace.report.relativePaths, 3);
	});

	it('says that the command made the product', () => {
		assert.ok(linesOf(trace).includes(`make write ${workspace}/app imported:declared:write`));
	});

	it('makes up no times: all is at the start of the command, and only its exit at the end', () => {
		assert.equal(trace.report.times, 'collection');
		for (const { event } of trace.events) assert.equal(event.timeUs, event.kind === 'exit' ? endUs : startUs);
		const bare = imported(collection('v0.1', ptraceRun(), { times: false }));
		assert.equal(bare.report.times, 'none');
		assert.deepEqual([bare.startUs, bare.endUs], [0, 1]);
		assert.ok(about(bare).includes('no times recorded: 1970 stands for them'));
	});

	it('lets a thread belong to the command, under no program', () => {
		const thread = trace.events.find(({ process }) => process.pid === 104);
		assert.equal(thread?.process.binary, '');
		assert.equal(thread?.process.parentExecId, trace.events[0]?.process.execId);
		assert.equal(trace.report.tasksWithoutProgram, 1);
	});

	it('lets no secret out of the environment and the remotes', () => {
		const environment: Readonly<Record<string, string>> = trace.events[0]?.process.environment ?? {};
		assert.equal(environment['GITHUB_TOKEN'], undefined);
		assert.equal(environment['AFFIDAVIT_IMPORT_WORKSPACE'], workspace);
		assert.ok(!trace.repository.includes('u:p@') && trace.repository.includes('git.example.org'));
	});
});

describe('a command-run v0.1 of the eBPF tracer', () => {
	const trace = imported(collection('v0.1', ebpfRun()));

	it('is told by its missing program digests and the nulls of what it could not hash', () => {
		assert.deepEqual([trace.report.backend, trace.report.assurance], ['ebpf', 'agent']);
		assert.deepEqual(trace.report.digests, { ptrace: 0, agent: 4, declared: 0, none: 1 });
		assert.deepEqual(trace.report.losses, { opens_without_digest: 1 });
	});

	it('has the digest and the command line of the program that runs', () => {
		const check = trace.events.find(({ event, process }) => event.kind === 'check' && process.pid === 203);
		assert.equal(check?.event.digest, digestOfText('cc1'));
		assert.equal(check?.process.arguments, '-quiet src/a.c -o /tmp/a.s');
		assert.equal(trace.report.programsWithoutDigest, 1);
	});

	it('counts a program whose parent is not told as an orphan, and puts it under the command', () => {
		assert.ok(linesOf(trace).includes('ld other  imported:orphan'));
		const orphan = trace.events.find(({ process }) => process.pid === 205);
		assert.equal(orphan?.process.parentExecId, trace.events[0]?.process.execId);
	});

	it('takes the command for the root, though its parent is told', () => {
		assert.equal(trace.events[0]?.process.pid, 200);
		assert.equal(trace.events[0]?.process.parentExecId, '');
	});
});

it('a v0.1 with signs of both tracers, or of none, gets the weaker word', () => {
	const run = ptraceRun();
	(run['processes'] as { openedfiles?: unknown }[])[1] = {
		...(run['processes'] as object[])[1],
		openedfiles: { '/x': null },
	};
	assert.deepEqual(
		[
			imported(collection('v0.1', run)),
			imported(collection('v0.1', { cmd: ['a'], processes: [{ processid: 1, program: '/a' }] })),
		].map(({ report }) => [report.backend, report.assurance]),
		[
			['unknown', 'agent'],
			['unknown', 'agent'],
		],
	);
});

it('a collection of our own is believed on its word, and its command lines are used', () => {
	const run = ptraceRun();
	const trace = imported({ ...collection('v0.1', run), affidavit: { session: 'x' } });
	assert.deepEqual([trace.report.backend, trace.report.assurance], ['affidavit', 'declared']);
	assert.equal(trace.report.digests.declared, 7);
	assert.equal(trace.report.staleCommandLines, 0);
});

describe("the demo's command-run v0.2", () => {
	const trace = imported(collection('v0.2', demoRun()));

	it('has both times of a digest: late, and by how much', () => {
		assert.deepEqual(trace.report.lateness, { digests: 4, medianMs: 100, p95Ms: 100, maxMs: 100 });
		assert.equal(trace.report.assurance, 'agent');
		assert.ok(
			about(trace).includes('digests taken after the open: median 100 ms, 95th percentile 100 ms, longest 100 ms'),
		);
	});

	it('counts pids without a record and opens without a digest as missing', () => {
		assert.deepEqual(trace.report.losses, { opens_without_digest: 1, unknown_processes: 1 });
		assert.equal(trace.report.unknownPids, 1);
		const stranger = trace.events.find(({ process }) => process.pid === 303);
		assert.equal(stranger?.process.parentExecId, trace.events[0]?.process.execId);
		assert.ok(linesOf(trace).includes('pid 303 other  imported:orphan'));
	});

	it('counts what is told twice, and accesses that add nothing to the open', () => {
		const run = demoRun();
		const processes = run['processes'] as object[];
		processes.push({ ...processes[0] });
		const files = run['files'] as Record<string, { access: object[] }>;
		files['/dev/null']?.access.push({ pid: 300, type: 'close' }, { pid: 300, type: 'read' });
		const { report } = imported(collection('v0.2', run));
		assert.deepEqual([report.processes, report.repeatedRecords, report.otherAccesses], [4, 1, 2]);
	});

	it('keeps the recorded times, in order', () => {
		const times = trace.events.map(({ event }) => event.timeUs);
		assert.deepEqual(
			times,
			times.toSorted((a, b) => a - b),
		);
		const read = trace.events.find(({ event }) => event.path === `${workspace}/src/a.c`);
		assert.equal(read?.event.timeUs, Date.parse('2026-03-01T10:00:00.250Z') * 1000);
		assert.equal(read?.process.uid, 1000);
	});
});
