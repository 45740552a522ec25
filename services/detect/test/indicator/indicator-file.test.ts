import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { indicatorSetDigest, parseIndicators, readIndicatorFile } from '../../src/indicator/indicator-file.ts';

const a = 'a'.repeat(64);
const b = 'b'.repeat(64);

test('digests with and without comments, blank lines, CRLF and capitals', () => {
	const result = parseIndicators(
		`\ufeff# known bad\r\n\r\nsha256:${a}\r\nsha256:${b.toUpperCase()}  # the trojan\n  sha256:${'c'.repeat(64)}\tplain words\nsha256:${'d'.repeat(64)}#glued`,
		'bad.txt',
	);
	assert.equal(result.kind, 'indicators');
	if (result.kind !== 'indicators') return;
	assert.deepEqual(
		result.indicators.map((i) => [i.value, i.reason]),
		[
			[a, ''],
			[b, 'the trojan'],
			['c'.repeat(64), 'plain words'],
			['d'.repeat(64), 'glued'],
		],
	);
	assert.deepEqual(result.indicators[0], {
		value: a,
		kind: 'digest',
		status: 'bad',
		reason: '',
		author: '',
		createdUs: 0,
		expiresUs: -1,
	});
});

test('a bad line is named with file, line and what was expected', () => {
	for (const line of [a, `sha256:${a}0`, `sha256:${a.slice(1)}`, `sha1:${a}`, 'sha256:', `sha256:${a.slice(1)}g x`]) {
		const result = parseIndicators(`sha256:${b}\n\n${line}\n`, 'bad.txt');
		assert.equal(result.kind, 'invalid', line);
		if (result.kind === 'invalid') {
			assert.equal(result.errors.length, 1);
			assert.match(result.errors[0] ?? '', /^bad\.txt:3: .*expected sha256: and 64 hex digits/);
		}
	}
	const many = parseIndicators('x\n'.repeat(100), 'f');
	assert.equal(many.kind === 'invalid' && many.errors.length, 21);
	assert.match((many.kind === 'invalid' && many.errors.at(-1)) || '', /80 more lines/);
});

test('the digest of a set is that of its entries, whatever their order and repetition', () => {
	const digest = fc.stringMatching(/^[0-9a-f]{64}$/);
	fc.assert(
		fc.property(fc.uniqueArray(digest, { maxLength: 20 }), fc.infiniteStream(fc.nat()), (digests, order) => {
			const parsed = (list: string[]) => {
				const result = parseIndicators(list.map((d) => `sha256:${d}`).join('\n'), 'f');
				assert.equal(result.kind, 'indicators');
				return result.kind === 'indicators' ? result.indicators : [];
			};
			const shuffled = digests
				.map((d) => ({ d, at: order.next().value as number }))
				.sort((x, y) => x.at - y.at)
				.map((x) => x.d);
			assert.equal(indicatorSetDigest(parsed(digests)), indicatorSetDigest(parsed([...shuffled, ...digests])));
		}),
	);
	assert.notEqual(indicatorSetDigest([]), indicatorSetDigest(asList(a)));
});

const asList = (digest: string) => {
	const result = parseIndicators(`sha256:${digest}`, 'f');
	return result.kind === 'indicators' ? result.indicators : [];
};

test('arbitrary text never throws', () => {
	fc.assert(
		fc.property(fc.string({ unit: 'binary' }), (text) => {
			assert.ok(['indicators', 'invalid'].includes(parseIndicators(text, 'f').kind));
		}),
	);
});

test('a file that cannot be read, or is no text, says so', async () => {
	const dir = mkdtempSync(join(tmpdir(), 'affidavit-indicators-'));
	try {
		const path = join(dir, 'bad.txt');
		writeFileSync(path, `sha256:${a} x\n`);
		assert.equal((await readIndicatorFile(path)).kind, 'indicators');
		writeFileSync(path, Buffer.from([0xff, 0xfe, 0x00]));
		const binary = await readIndicatorFile(path);
		assert.match((binary.kind === 'invalid' && binary.errors[0]) || '', /expected UTF-8 text/);
		for (const gone of [join(dir, 'none'), dir]) {
			const missing = await readIndicatorFile(gone);
			assert.match((missing.kind === 'invalid' && missing.errors[0]) || '', /cannot be read: E/);
		}
	} finally {
		rmSync(dir, { recursive: true });
	}
});
