// The matrix: what the real Witness library says of each case, and that ours says the same.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { openPeerverify } from './peerverify.ts';
import { groups } from './policy-matrix/cases.ts';
import { createMaker } from './policy-matrix/maker.ts';
import { askOurs } from './policy-matrix/ours.ts';
import { askPeerOf } from './policy-matrix/run.ts';

/** The cases' keys come from it; another one makes other bytes and must give the same answers. */
const seed = process.env['AFFIDAVIT_MATRIX_SEED'] ?? '1';
const casesMin = 60;

const peer = openPeerverify();
const folder = mkdtempSync(join(tmpdir(), 'affidavit-matrix-'));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const group of groups)
	suite(`${group.name}: the policy engine on`, () => {
		for (const [i, one] of group.cases.entries())
			test(one.name, async () => {
				const maker = createMaker(seed, Date.now());
				const inputs = await one.make(maker);
				if (peer.kind === 'peer') {
					const answer = askPeerOf(peer.binary, join(folder, `${group.name}-${i}`), inputs);
					assert.equal(answer.accepted ? 'accept' : 'reject', one.peer, `the real library: ${answer.output}`);
				}
				const witness = await askOurs(inputs, 'witness', maker.nowMs);
				assert.equal(witness.accepted ? 'accept' : 'reject', one.peer, `witness mode: ${witness.reason}`);
				if (one.says) assert.match(JSON.stringify(witness), one.says);
				const traps = one.traps ?? [];
				const strict = await askOurs(inputs, 'strict', maker.nowMs);
				const expected = traps.length > 0 ? 'reject' : one.peer;
				assert.equal(strict.accepted ? 'accept' : 'reject', expected, `strict mode: ${strict.reason}`);
				if (traps.length > 0) assert.deepEqual([...strict.traps].sort(), [...traps].sort(), strict.reason);
			});
	});

test('the matrix is whole', (t) => {
	const cases = groups.flatMap((g) => g.cases);
	assert.ok(cases.length >= casesMin, `${cases.length} cases`);
	assert.equal(new Set(cases.map((c) => c.name)).size, cases.length, 'names are unique');
	const accepted = cases.filter((c) => c.peer === 'accept').length;
	const differing = cases.filter((c) => c.traps !== undefined && c.traps.length > 0).length;
	t.diagnostic(
		`${cases.length} cases: ${accepted} accepted, ${cases.length - accepted} rejected by the real library; strict mode differs in ${differing}`,
	);
	if (peer.kind === 'absent') t.diagnostic(`the real library was not asked again: ${peer.reason}`);
	for (const one of cases)
		if (one.traps !== undefined && one.traps.length > 0)
			assert.equal(one.peer, 'accept', `${one.name}: strict never accepts more`);
});
