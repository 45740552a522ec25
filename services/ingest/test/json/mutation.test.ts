// Hostile lines: whatever is done to a line, the fast path says what JSON.parse says, or leaves it to it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPair } from './pair.ts';
import { streamLines } from './streams.ts';

const lines = ['02a-go-swap', '08d-container-ns', '07-net-foreign'].flatMap((name) => streamLines(name).slice(0, 1500));

/** Pieces that JSON gives a meaning to, and names of ours where they do not belong. */
const pieces = [
	'"',
	'\\',
	'\\"',
	'\\u0022',
	'{',
	'}',
	'[',
	']',
	',',
	':',
	' ',
	'\n',
	'\t',
	'0',
	'-',
	'-0',
	'.5',
	'e9',
	'99999999999999999999',
	'null',
	'\u0000',
	'\u00e9',
	'\u{1f600}',
	'"exec_id":"x"',
	', "tid":7',
	', "refcnt":07',
	'"refcnt":1.5, ',
	'"refcnt":2, "tid":3, ',
	', "parent_exec_id":"q", "tid":1, ',
	', "label":"ino"',
	', "time":"2026-11-23T04:10:53Z"',
	', "processLsm":{}',
	'"}, "process":{"exec_id":"y"}, "x":"',
	'"__proto__":{"exec_id":"z"},',
	'{"size_arg":"007", "label":"ino"},',
].map((text) => Buffer.from(text));

const at = fc.noBias(fc.integer({ min: 0, max: 9999 }));
const letters = 'abcdef0123456789/-_.zZ ';
const edit = fc.oneof(
	// The form stays: most of these reach the fast path.
	{
		weight: 3,
		arbitrary: fc.record({ kind: fc.constant('letter' as const), at, letter: fc.constantFrom(...letters) }),
	},
	fc.record({ kind: fc.constant('insert' as const), at, piece: fc.noBias(fc.nat({ max: pieces.length - 1 })) }),
	fc.record({ kind: fc.constant('bytes' as const), at, bytes: fc.uint8Array({ maxLength: 4 }) }),
	fc.record({ kind: fc.constant('delete' as const), at, length: fc.integer({ min: 1, max: 40 }) }),
	fc.record({ kind: fc.constant('flip' as const), at, bit: fc.integer({ min: 0, max: 7 }) }),
);
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

function apply(line: Buffer, change: Edit): Buffer {
	const at = Math.floor((change.at / 10_000) * line.length);
	switch (change.kind) {
		case 'letter':
			return Buffer.concat([line.subarray(0, at), Buffer.from(change.letter), line.subarray(at + 1)]);
		case 'insert':
			return Buffer.concat([line.subarray(0, at), pieces[change.piece] as Buffer, line.subarray(at)]);
		case 'bytes':
			return Buffer.concat([line.subarray(0, at), change.bytes, line.subarray(at)]);
		case 'delete':
			return Buffer.concat([line.subarray(0, at), line.subarray(at + change.length)]);
		case 'flip': {
			const flipped = Buffer.from(line);
			if (at < flipped.length) flipped[at] = (flipped[at] as number) ^ (1 << change.bit);
			return flipped;
		}
	}
}

test('mutated lines: equal results, or errors on both paths, and never a throw', () => {
	const pair = createPair();
	for (const line of lines) pair.decode(line);
	let fastEvents = 0;
	fc.assert(
		fc.property(
			fc.noBias(fc.nat({ max: lines.length - 1 })),
			fc.array(edit, { minLength: 1, maxLength: 3 }),
			(pick, edits) => {
				const line = edits.reduce(apply, lines[pick] as Buffer);
				// Twice: what the first may have taught must not change what the line means.
				for (let n = 0; n < 2; n++) {
					const { result, fast } = pair.decode(line);
					assert.deepStrictEqual(result, pair.general(line));
					if (fast) fastEvents++;
				}
			},
		),
		{ numRuns: 6000 },
	);
	assert.ok(fastEvents > 1200, `only ${fastEvents} mutated lines reached the fast path`);
	// And nothing that was learned from them changes the meaning of the genuine ones.
	for (const line of lines) assert.deepStrictEqual(pair.decode(line).result, pair.general(line));
});

test('any text in the places that an attacker controls', () => {
	const pair = createPair();
	const text = fc.oneof(
		fc.string({ unit: 'binary', maxLength: 30 }),
		fc
			.array(fc.nat({ max: pieces.length - 1 }), { maxLength: 5 })
			.map((picks) => picks.map((i) => (pieces[i] as Buffer).toString()).join('')),
	);
	fc.assert(
		fc.property(text, text, text, (path, args, label) => {
			const value = {
				process_lsm: {
					process: {
						exec_id: 'e',
						pid: 1,
						arguments: args,
						pod: { name: 'p', pod_labels: { exec_id: label, tid: label } },
						refcnt: 1,
						tid: 1,
					},
					parent: { exec_id: 'p', arguments: label, tid: 2 },
					function_name: 'file_post_open',
					args: [{ file_arg: { path, permission: '-r' } }, { size_arg: '5', label: 'ino' }],
				},
				node_name: 'h',
				time: '2026-11-23T04:10:53.5Z',
			};
			const line = Buffer.from(JSON.stringify(value));
			for (let n = 0; n < 2; n++) {
				const { result } = pair.decode(line);
				assert.deepStrictEqual(result, pair.general(line));
				if (result.kind !== 'event') throw new Error(result.message);
				assert.equal(result.event.path, Buffer.from(path).toString());
			}
		}),
		{ numRuns: 1500 },
	);
});

test('a digest of any form', () => {
	const pair = createPair();
	const hex = '0123456789abcdef'.repeat(4);
	const forms = [
		`sha256:${hex}`,
		`sha256:${hex}0`,
		`sha256:${hex.slice(1)}`,
		`sha256:${hex.toUpperCase()}`,
		`sha1:${hex}`,
	];
	for (const form of [...forms, '', 'sha256:', `sha256:${hex.slice(1)}"`, `sha256:${hex.slice(1)}\u00e9`, ...forms]) {
		const line = Buffer.from(
			JSON.stringify({
				process_lsm: { process: { exec_id: 'e' }, function_name: 'file_post_open', args: [], ima_hash: form },
				node_name: 'h',
				time: '2026-11-23T04:10:53.5Z',
			}),
		);
		const { result } = pair.decode(line);
		assert.deepStrictEqual(result, pair.general(line));
		if (result.kind === 'event') assert.equal(result.event.digest, form === `sha256:${hex}` ? hex : '');
	}
});

test('any bytes at all', () => {
	const pair = createPair();
	fc.assert(
		fc.property(
			fc.oneof(
				fc.uint8Array({ maxLength: 80 }),
				fc.json().map((text) => Buffer.from(text)),
			),
			(bytes) => {
				assert.deepStrictEqual(pair.decode(bytes).result, pair.general(bytes));
			},
		),
		{ numRuns: 2000 },
	);
});

test('invalid UTF-8 and unpaired surrogates become what JSON.parse makes of them', () => {
	const pair = createPair();
	const genuine = lines.find((line) => line.includes('"path":"/')) as Buffer;
	pair.decode(genuine);
	const at = genuine.indexOf('"path":"/') + 8;
	for (const bytes of [
		[0xff],
		[0xc3],
		[0xe2, 0x82],
		[0xf0, 0x9f, 0x98],
		[0xed, 0xa0, 0x80],
		[0xc0, 0xaf],
		[0xc3, 0xa9],
	]) {
		const line = Buffer.concat([genuine.subarray(0, at), Buffer.from(bytes), genuine.subarray(at)]);
		const { result, fast } = pair.decode(line);
		assert.ok(fast);
		assert.deepStrictEqual(result, pair.general(line));
	}
});
