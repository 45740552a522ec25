import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Facts, FileFact } from '@affidavit/model/facts.ts';
import { createGatherer, type History } from '../../src/core/history.ts';
import { judgeOpen } from '../../src/core/judge.ts';
import { caseDigest, caseFacts } from '../../src/rules/cases.ts';

const expected = { sha256: caseDigest('$a'), size: 100 };
const startUs = 1_000_000;

type Given = NonNullable<Parameters<typeof caseFacts>[0]['files']>;

function gathered(facts: Facts): History {
	const all = facts.files;
	const gatherer = createGatherer(
		{
			inos: new Set(all.map((f) => f.ino)),
			paths: new Set(all.map((f) => f.path)),
			digests: new Set(all.map((f) => f.digest)),
		},
		1_000,
	);
	for (const f of all) gatherer.add(f);
	return gatherer.finish();
}

/** Judges the first of the given facts. */
function judge(files: Given) {
	const facts = caseFacts({ files });
	return judgeOpen(facts.files[0] as FileFact, expected, gathered(facts), startUs);
}

const good = { execId: 'git', digest: '$a' };
const strangeWrite = { op: 'write', execId: 'stranger', foreign: true, size: -1 };

describe('judgeOpen: is this digest right', () => {
	it('takes the expected digest at the expected size', () => {
		assert.equal(judge([{ digest: '$a' }]).kind, 'expected');
	});

	it('(a) another size differs even under the expected digest', () => {
		assert.deepEqual(judge([{ digest: '$a', size: 101 }]), {
			kind: 'differs',
			reason: 'size',
			cause: 'unknown',
			shown: false,
		});
	});

	it('(a) comes before (b): a mixed-up digest does not hide another size', () => {
		const judged = judge([{ digest: '$other', size: 101, otherSize: 7 }]);
		assert.equal(judged.kind, 'differs');
	});

	it('(b) the digest belongs to files of another size, as the host saw', () => {
		assert.deepEqual(judge([{ digest: '$other', otherSize: 7 }, good]), { kind: 'mix-up', reason: 'other-size' });
	});

	it('(b) the digest belongs to files of another size, as the session saw', () => {
		const judged = judge([{ digest: '$lib' }, good, { digest: '$lib', path: '/lib/libc.so', ino: '77', size: 7 }]);
		assert.deepEqual(judged, { kind: 'mix-up', reason: 'other-size' });
	});

	it('(b) another inode of the same size says nothing', () => {
		const judged = judge([{ digest: '$evil' }, { digest: '$evil', path: '/tmp/evil', ino: '77', size: 100 }]);
		assert.equal(judged.kind, 'unverified');
	});

	it('(b) without any right open of this version it is not cleared', () => {
		assert.deepEqual(judge([{ digest: '$other', otherSize: 7 }]), { kind: 'unverified', reason: 'mix-up' });
	});

	it('(b) with a write from outside and no right open it is a finding', () => {
		const judged = judge([
			{ digest: '$other', otherSize: 7, version: 1 },
			{ ...strangeWrite, version: 1, firstUs: 1_500_000 },
		]);
		assert.deepEqual(judged, { kind: 'differs', reason: 'foreign-write', cause: 'foreign', shown: false });
	});

	it('(c) a write from outside since the last right open', () => {
		const judged = judge([
			{ digest: '$evil', version: 1 },
			{ ...good, version: 0, firstUs: 1_200_000 },
			{ ...strangeWrite, version: 1, firstUs: 1_500_000 },
		]);
		assert.deepEqual(judged, { kind: 'differs', reason: 'foreign-write', cause: 'foreign', shown: true });
	});

	it('(c) a write after the read does not count', () => {
		const judged = judge([{ digest: '$evil', version: 0 }, { ...strangeWrite, version: 1, firstUs: 3_000_000 }, good]);
		assert.deepEqual(judged, { kind: 'mix-up', reason: 'other-opens' });
	});

	it('(c) how the file came to be before the session is no change', () => {
		const judged = judge([
			{ digest: '$other', version: 1 },
			{ ...strangeWrite, version: 1, firstUs: 500_000 },
		]);
		assert.deepEqual(judged, { kind: 'unverified', reason: 'one-open' });
	});

	it('(c) a rename from outside onto the path', () => {
		const judged = judge([
			{ digest: '$evil', ino: '11', version: 1 },
			{ ...good, ino: '10', firstUs: 1_200_000 },
			{ ...strangeWrite, op: 'rename', ino: '11', path2: '/tmp/x', version: 1, firstUs: 1_500_000 },
		]);
		assert.deepEqual(judged, { kind: 'differs', reason: 'foreign-write', cause: 'foreign', shown: true });
	});

	it('(c) a truncate without an inode, by path and time', () => {
		const judged = judge([
			{ digest: '$evil', version: 1 },
			{ ...good, version: 0, firstUs: 1_200_000 },
			{ ...strangeWrite, op: 'truncate', ino: '', dev: -1, version: 0, firstUs: 1_500_000 },
		]);
		assert.deepEqual(judged, { kind: 'differs', reason: 'foreign-write', cause: 'foreign', shown: true });
	});

	it('(c) copies of one event do not agree with themselves', () => {
		const judged = judge([{ digest: '$other', firstUs: 2_000_000, lastUs: 2_000_300, count: 2 }]);
		assert.equal(judged.kind, 'unverified');
	});

	it('(c) two opens a millisecond apart agree', () => {
		const judged = judge([{ digest: '$evil', firstUs: 2_000_000, lastUs: 2_002_000, count: 2 }]);
		assert.deepEqual(judged, { kind: 'differs', reason: 'opens-agree', cause: 'unknown', shown: true });
	});

	it('(d) the others of this version are right', () => {
		assert.deepEqual(judge([{ digest: '$other' }, good]), { kind: 'mix-up', reason: 'other-opens' });
	});

	it('(d) a right open of an older version does not clear', () => {
		const judged = judge([
			{ digest: '$edited', version: 1 },
			{ ...good, version: 0, firstUs: 1_200_000 },
			{ op: 'write', execId: 'make', size: -1, version: 1, firstUs: 1_500_000 },
		]);
		assert.deepEqual(judged, { kind: 'differs', reason: 'own-write', cause: 'own', shown: true });
	});

	it('(e) a checkout by the session does not explain other content', () => {
		const written = { op: 'write', execId: 'git', size: -1, version: 1, firstUs: 1_500_000 };
		assert.deepEqual(judge([{ digest: '$other', version: 1, writer: 'git' }, written]), {
			kind: 'unverified',
			reason: 'one-open',
		});
	});

	it('(e) one open, nothing else', () => {
		assert.deepEqual(judge([{ digest: '$other' }]), { kind: 'unverified', reason: 'one-open' });
	});

	it('no digest: cleared by a right open of this version only', () => {
		assert.equal(judge([{ digest: '' }]).kind, 'unverified');
		assert.equal(judge([{ digest: '' }, good]).kind, 'expected');
	});
});
