import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { createProgress } from '../src/progress.ts';

function written(isTTY: boolean, json: boolean): string {
	const stream = new PassThrough();
	Object.assign(stream, { isTTY, columns: 100 });
	const progress = createProgress({
		label: 'reading',
		unit: 'MB',
		json,
		stream: stream as unknown as NodeJS.WriteStream,
	});
	for (let done = 0; done <= 50; done++) progress.update(done, 50);
	progress.stop();
	return stream.read()?.toString() ?? '';
}

test('elsewhere than on a terminal one line per tenth', () => {
	const lines = written(false, false).trimEnd().split('\n');
	assert.equal(lines.length, 10);
	assert.equal(lines[0], 'reading: 10 % of 50 MB');
	assert.equal(lines[9], 'reading: 100 % of 50 MB');
});

test('with --json nothing', () => {
	assert.equal(written(false, true), '');
});

test('on a terminal a bar, also with --json', () => {
	assert.match(written(true, true), /reading █*░* \d+ % of 50 MB/);
});
