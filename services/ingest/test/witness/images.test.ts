import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { buildImages, lastAtOrBefore } from '../../src/witness/images.ts';
import { createTally } from '../../src/witness/tally.ts';
import { emptyRecord, type ProcessRecord, type Recorded } from '../../src/witness/trace-record.ts';

const record = (pid: number, parentPid: number, more: Partial<ProcessRecord> = {}): ProcessRecord => ({
	pid,
	parentPid,
	program: `/bin/p${pid}`,
	arguments: '',
	programDigest: '',
	exeDigest: '',
	startUs: -1,
	stopUs: -1,
	uid: -1,
	flags: '',
	...more,
});

const recorded = (processes: ProcessRecord[], more: Partial<Recorded> = {}): Recorded => ({
	...emptyRecord({ version: 'v0.1', cmd: ['p1'], exitCode: 0, witnessPid: 0 }),
	processes,
	...more,
});

it('finds the root by the command, the tracer, or what is left', () => {
	const rootPid = (processes: ProcessRecord[], more: Partial<Recorded> = {}): number | undefined =>
		buildImages(recorded(processes, more), 0, createTally()).images[0]?.record.pid;
	assert.equal(rootPid([record(7, 1), record(1, 0), record(3, 99)]), 1);
	assert.equal(rootPid([record(7, 50), record(1, 7)], { witnessPid: 50 }), 7);
	assert.equal(rootPid([record(9, 8), record(8, 9)], { cmd: [] }), 8);
	assert.equal(rootPid([record(4, 0, { program: '' }), record(5, 0)], { cmd: ['x'] }), 5);
});

it('breaks a circle of parents, and counts it', () => {
	const tally = createTally();
	const { images } = buildImages(recorded([record(1, 0), record(2, 3), record(3, 2), record(4, 4)]), 0, tally);
	assert.deepEqual(images.map(({ record: { pid } }) => pid).sort(), [1, 2, 3, 4]);
	assert.deepEqual(tally.counts(), [['cyclic_parents', 1]]);
});

it('tells an exec from a pid that was used again', () => {
	const { images } = buildImages(
		recorded(
			[
				record(1, 0, { startUs: 0, stopUs: 100 }),
				record(2, 1, { startUs: 10, stopUs: 50 }),
				record(2, 1, { startUs: 20, stopUs: 50, program: '/bin/next' }),
				record(2, 1, { startUs: 60, stopUs: 70, program: '/bin/other' }),
			],
			{ version: 'v0.2' },
		),
		0,
		createTally(),
	);
	const named = new Map(images.map((image) => [image.record.program, image]));
	assert.equal(named.get('/bin/next')?.parent?.record.program, '/bin/p2');
	assert.equal(named.get('/bin/p2')?.replaced, true);
	assert.equal(named.get('/bin/other')?.parent?.record.program, '/bin/p1');
});

it('puts a child that began before its parent at the start of the parent', () => {
	const { images, movedStarts } = buildImages(
		recorded([record(1, 0, { startUs: 100 }), record(2, 1, { startUs: 40 })], { version: 'v0.2' }),
		0,
		createTally(),
	);
	assert.deepEqual(
		images.map(({ startUs }) => startUs),
		[100, 100],
	);
	assert.equal(movedStarts, 1);
});

it('property: every record once, parents first, ids in order, no start before the parent', () => {
	const pid = fc.integer({ min: 1, max: 12 });
	const time = fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 50 }));
	const one = fc
		.tuple(pid, fc.integer({ min: 0, max: 14 }), time, time, fc.boolean())
		.map(([own, parent, startUs, stopUs, named]) =>
			record(own, parent, { startUs, stopUs, program: named ? `/bin/p${own}` : '' }),
		);
	const open = fc.record({ pid: fc.integer({ min: 1, max: 20 }), timeUs: time });
	fc.assert(
		fc.property(
			fc.array(one, { minLength: 1, maxLength: 40 }),
			fc.array(open, { maxLength: 20 }),
			pid,
			(list, opens, witnessPid) => {
				const input = recorded(list, {
					version: 'v0.2',
					witnessPid,
					opens: opens.map((o) => ({ ...o, process: -1, path: '/x', digest: '', hashUs: -1, write: false })),
				});
				const { images, ofRecord, ofPid, unknownPids } = buildImages(input, 5, createTally());
				assert.equal(images.length, list.length + unknownPids);
				assert.equal(new Set(ofRecord).size, images.length);
				for (const [at, image] of images.entries()) {
					assert.equal(image.order, at);
					if (at > 0) assert.ok((images[at - 1]?.execId ?? '') < image.execId);
					if (image.parent === null) continue;
					assert.ok(image.parent.order < at);
					assert.ok(image.startUs >= image.parent.startUs);
				}
				for (const { pid: opened } of opens) assert.ok((ofPid.get(opened)?.length ?? 0) > 0);
			},
		),
	);
});

it('property: the last start that is not after a time', () => {
	fc.assert(
		fc.property(
			fc.array(fc.integer({ min: -1, max: 20 }), { minLength: 1 }),
			fc.integer({ min: 0, max: 20 }),
			(list, us) => {
				const starts = list.toSorted((a, b) => a - b);
				const expected = Math.max(
					0,
					starts.findLastIndex((start) => start <= us),
				);
				assert.equal(
					lastAtOrBefore(starts.length, (at) => starts[at] as number, us),
					expected,
				);
			},
		),
	);
});
