// Facts merge to the same, whatever batches they came in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { emptyFacts, type Facts, type FileFact } from '../src/facts.ts';
import type { ProcessFact } from '../src/generated/session.ts';
import { mergeFacts } from '../src/merge-facts.ts';

const file = (more: Partial<FileFact>): FileFact => ({
	op: 'read',
	execId: 'p',
	foreign: false,
	path: '/a',
	path2: '',
	dev: 1,
	ino: '1',
	version: 0,
	size: 1,
	flags: 0,
	digest: '',
	assurance: 'none',
	otherSize: -1,
	heldBy: '',
	writer: '',
	writerForeign: false,
	firstUs: 1,
	lastUs: 1,
	count: 1,
	copies: 0,
	...more,
});

const process = (more: Partial<ProcessFact>): ProcessFact => ({
	timeUs: 1,
	execId: 'p',
	parentExecId: '',
	pid: 1,
	uid: 0,
	binary: '/bin/sh',
	arguments: '',
	cwd: '/',
	flags: '',
	container: '',
	root: false,
	foreign: false,
	executed: false,
	digest: '',
	dev: -1,
	ino: '',
	environment: {},
	...more,
});

const facts = (files: FileFact[], processes: ProcessFact[] = []): Facts => ({ ...emptyFacts(), files, processes });

test('equal file facts fold: counts add up, times widen', () => {
	const merged = mergeFacts([
		facts([file({ firstUs: 5, lastUs: 6, count: 2 }), file({ path: '/b' })]),
		facts([file({ firstUs: 3, lastUs: 4, copies: 1 })]),
	]);
	assert.deepEqual(merged.files, [file({ firstUs: 3, lastUs: 6, count: 3, copies: 1 }), file({ path: '/b' })]);
});

test('a later description completes an earlier one', () => {
	const [one, ...others] = mergeFacts([
		facts([], [process({ foreign: true })]),
		facts([], [process({ executed: true, digest: 'd', dev: 7, ino: '9', root: true })]),
	]).processes;
	assert.equal(others.length, 0);
	assert.deepEqual(one, process({ executed: true, digest: 'd', dev: 7, ino: '9', root: true }));
});

test('the cut of batches does not matter, and the input is left as it was', () => {
	const arbitrary = fc.record({
		path: fc.constantFrom('/a', '/b', '/__proto__'),
		execId: fc.constantFrom('p', 'q'),
		op: fc.constantFrom('read' as const, 'write' as const),
		firstUs: fc.integer({ min: 0, max: 9 }),
		count: fc.integer({ min: 0, max: 3 }),
	});
	fc.assert(
		fc.property(fc.array(arbitrary, { maxLength: 40 }), fc.integer({ min: 1, max: 7 }), (list, size) => {
			const files = list.map((one) => file({ ...one, lastUs: one.firstUs }));
			const before = structuredClone(files);
			const batches: Facts[] = [];
			for (let at = 0; at < files.length; at += size) batches.push(facts(files.slice(at, at + size)));
			assert.deepEqual(mergeFacts(batches), mergeFacts([facts(files)]));
			assert.deepEqual(files, before);
		}),
	);
});
