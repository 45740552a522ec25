import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DeadLetter } from '@affidavit/model/generated/deadletter.ts';
import { partitionOf } from '../../src/partition.ts';
import type { LogRecord } from '../../src/ports.ts';
import { outboxOf } from '../../src/runner/outbox.ts';
import { out, resultOf, text } from './support.ts';

const run: LogRecord[] = [5, 6, 9].map((offset) => ({
	...out('trace', `in ${offset}`),
	partition: 1,
	offset,
	timestampUs: -1,
	origin: null,
	seal: null,
	traceparent: null,
}));
const scope = { stage: 'detect', partition: 1 };
const letter = (origin: string, message: string): DeadLetter => ({
	stage: 'detect',
	origin,
	code: 'c',
	message,
	digest: '',
	length: 0,
	excerpt: '',
	timeUs: -1,
	subject: '',
});

describe('the outbox of a step', () => {
	it('numbers the outputs of each input record, over all topics', () => {
		const outputs = [
			{ offset: 5, records: [out('finding', 'a'), out('verdict', 'b')] },
			{ offset: 9, records: [out('finding', 'c')] },
		];
		const outbox = outboxOf(resultOf(run, { outputs }), run, scope, ['finding', 'verdict']);
		assert.deepEqual(
			outbox.map((o) => [o.topic, text(o), o.origin.offset, o.origin.index]),
			[
				['finding', 'a', 5, 0],
				['verdict', 'b', 5, 1],
				['finding', 'c', 9, 0],
			],
		);
	});

	it('orders dead letters by the record they name; one that names none of the run is counted to the last', () => {
		const deadLetters = [
			letter('trace/1/9', 'third'),
			letter('a file, line 3', 'fourth'),
			letter('trace/1/5', 'first'),
			letter('trace/1/5', 'second'),
			letter('trace/0/5', 'another partition'),
		];
		const outbox = outboxOf(resultOf(run, { outputs: [], deadLetters }), run, scope, []);
		assert.deepEqual(
			outbox.map((o) => [o.key, o.origin.offset, o.origin.index]),
			[
				['trace/1/5', 5, 0],
				['trace/1/5', 5, 1],
				['trace/1/9', 9, 0],
				['a file, line 3', 9, 1],
				['trace/0/5', 9, 2],
			],
		);
	});

	it('refuses offsets that do not rise or are not of the run', () => {
		for (const offsets of [[9, 5], [5, 5], [4], [10]]) {
			const outputs = offsets.map((offset) => ({ offset, records: [] }));
			assert.throws(() => outboxOf(resultOf(run, { outputs }), run, scope, []), /rising offsets from 5 to 9/);
		}
	});
});

describe('the partition of a key', () => {
	it('never changes: logs on disk and in brokers rest on it', () => {
		const pinned = ['', 'build-1', 'build-2', '__proto__', 'Zürich', '\ud800'].map((key) => partitionOf(key, 64));
		assert.deepEqual(pinned, [11, 46, 37, 1, 12, 49]);
	});

	it('spreads keys evenly', () => {
		const counts = new Array<number>(8).fill(0);
		for (let i = 0; i < 8000; i++) {
			const p = partitionOf(`host-${i}`, 8);
			counts[p] = (counts[p] ?? 0) + 1;
		}
		for (const count of counts) assert.ok(count > 850 && count < 1150, counts.join(' '));
	});
});
