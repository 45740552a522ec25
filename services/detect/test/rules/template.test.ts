import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseTemplate, plain } from '../../src/rules/template.ts';

describe('parseTemplate', () => {
	it('fills names, leaves unknown ones empty, and takes braces in values as they are', () => {
		const template = parseTemplate('{a} read {b}{c}.');
		assert.deepEqual(template.names, ['a', 'b', 'c']);
		assert.equal(
			template.render(
				new Map([
					['a', '{b}'],
					['b', 'x'],
				]),
			),
			'{b} read x.',
		);
	});

	it('shows what a terminal would obey', () => {
		assert.equal(plain('a\u001b[2Jb\nc\u202ed'), 'a\\u{1b}[2Jb\\u{a}c\\u{202e}d');
		assert.equal(plain('größe 文件.c'), 'größe 文件.c');
		assert.equal(plain('x'.repeat(5_000)).length, 1_001);
	});
});
