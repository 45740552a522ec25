import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deadLetterCodec } from '@affidavit/model/codec.ts';
import { createMemoryLog } from '@affidavit/stream/memory/log.ts';
import { deadLetterLines, summariseDeadLetters } from '../../src/process/dead-letters.ts';

const letter = (line: number, code: string, stage = 'ingest', message = 'line: expected one JSON object') => ({
	topic: 'deadletter' as const,
	key: `a.jsonl:${line}`,
	value: deadLetterCodec.encode({
		stage,
		origin: `a.jsonl:${line}`,
		code,
		message,
		digest: 'a'.repeat(64),
		length: 5,
		excerpt: 'password',
		timeUs: -1,
		subject: '',
	}),
	origin: { stage, partition: 0, offset: line, index: 0 },
});

test('dead letters are told by code, the most frequent first, with the first places; those beyond the bound are counted', async () => {
	const log = createMemoryLog();
	const letters = [1, 2, 3, 4, 5].map((line) => letter(line, 'not-json'));
	const hostile = letter(9, 'wrong-type', 'ingest', `pid\u001b[31m: ${'x'.repeat(5000)}`);
	for (const record of [...letters, hostile, letter(7, 'late-facts', 'detect')]) await log.append([record]);
	const summary = await summariseDeadLetters(log, 20);
	assert.equal(summary.total, 21);
	const lines = deadLetterLines(summary);
	assert.match(lines[0] ?? '', /^21 inputs could not be used/);
	assert.deepEqual(lines.slice(1, 6), [
		'  not-json: 5',
		'    a.jsonl:1: line: expected one JSON object',
		'    a.jsonl:2: line: expected one JSON object',
		'    a.jsonl:3: line: expected one JSON object',
		'    … 2 more',
	]);
	assert.deepEqual(lines.slice(6, 8), ['  late-facts: 1', '    a.jsonl:7: line: expected one JSON object']);
	assert.equal(lines.at(-1), '  beyond the bound, only counted: 14');
	const text = lines.join('\n');
	assert.ok(!text.includes('\u001b') && !text.includes('password') && text.length < 1000);
});

test('no dead letters: nothing is said', async () => {
	assert.deepEqual(deadLetterLines(await summariseDeadLetters(createMemoryLog(), 0)), []);
});
