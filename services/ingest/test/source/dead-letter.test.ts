import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deadLetterCodec } from '@affidavit/model/codec.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import fc from 'fast-check';
import { createRedactor } from '../../src/redact/redactor.ts';
import { deadLetterRecord, excerptOf, rawInput } from '../../src/source/dead-letter.ts';

const redact = createRedactor();
const excerpt = (text: string): string => excerptOf(rawInput(Buffer.from(text)), redact);

describe('a dead letter', () => {
	it('carries place, reason, digest, length and an excerpt', () => {
		const input = { origin: 'f:1', code: 'not-json', message: 'line: expected JSON', timeUs: Number.NaN } as const;
		const record = deadLetterRecord({ ...input, raw: rawInput(Buffer.from('{oops')) }, redact);
		assert.deepEqual([record.topic, record.key], ['deadletter', 'f:1']);
		assert.deepEqual(
			{ ...deadLetterCodec.decode(record.value) },
			{
				stage: 'ingest',
				origin: 'f:1',
				code: 'not-json',
				message: 'line: expected JSON',
				digest: sha256Hex('{oops'),
				length: 5,
				excerpt: '{oops',
				timeUs: -1,
				subject: '',
			},
		);
	});

	it('shows no secret, whole or cut', () => {
		const token = `ghp_${'a1B2'.repeat(9)}`;
		assert.ok(!excerpt(`{"arguments":"--header ${token}`).includes('a1B2a1B2'));
		for (let before = 1950; before < 2060; before += 3)
			assert.ok(!excerpt(`${' '.repeat(before)}${token}`).includes('a1B2a1B2'), `cut after ${before}`);
	});

	it('leaves the environment out', () => {
		const line = '{"pid":1,"environment_variables":[{"Key":"DB","Value":"correct horse"}]}';
		assert.equal(excerpt(line), '{"pid":1,"e');
	});

	it('is one short line whatever the bytes', () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 5000 }), (bytes) => {
				const text = excerptOf(rawInput(bytes), redact);
				assert.ok(text.length <= 200);
				assert.ok(text.isWellFormed());
				for (const character of text) assert.ok(character >= ' ' && character !== '\u007f' && character !== '\u2028');
			}),
		);
	});
});
