import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { childrenShownMax, renderTree, type TreeNode, treeStyle } from '../../src/verify/render-tree.ts';

const ascii = { utf8: false, colour: false };
const node = (accepted: boolean | null, text: string, ...children: TreeNode[]): TreeNode => ({
	accepted,
	text,
	children,
});
const sample = [
	node(false, 'policy', node(true, 'step one', node(true, 'leaf')), node(false, 'step two')),
	node(null, 'a note'),
];

test('plain ASCII where the stream is no UTF-8 terminal', () => {
	assert.equal(renderTree(sample, ascii), '[NO] policy\n|- [ok] step one\n|  `- [ok] leaf\n`- [NO] step two\na note\n');
});

test('UTF-8 on a terminal that has it', () => {
	assert.equal(
		renderTree(sample, { utf8: true, colour: false }),
		'✘ policy\n├─ ✔ step one\n│  └─ ✔ leaf\n└─ ✘ step two\na note\n',
	);
});

test('colours only mark what is accepted and what is not', () => {
	const text = renderTree(sample, { utf8: true, colour: true });
	assert.ok(text.startsWith('\u001b[31m✘\u001b[39m policy\n'));
	assert.ok(text.includes('\u001b[32m✔\u001b[39m step one\n'));
});

suite('the style is what the terminal and the environment say', () => {
	const cases: [string, boolean, Record<string, string>, boolean, boolean][] = [
		['a UTF-8 terminal', true, { LANG: 'C.UTF-8' }, true, true],
		['LC_ALL beats LANG', true, { LANG: 'C.UTF-8', LC_ALL: 'C' }, false, true],
		['no locale', true, {}, false, true],
		['NO_COLOR', true, { LANG: 'en_US.utf8', NO_COLOR: '1' }, true, false],
		['an empty NO_COLOR says nothing', true, { LANG: 'en_US.utf8', NO_COLOR: '' }, true, true],
		['a dumb terminal', true, { TERM: 'dumb' }, false, false],
		['a pipe', false, { LANG: 'C.UTF-8' }, false, false],
	];
	for (const [what, isTerminal, env, utf8, colour] of cases)
		test(what, () => assert.deepEqual(treeStyle({ isTerminal, env }), { utf8, colour }));
});

test('a long list is collapsed: rejected ones are shown first, in their order', () => {
	const children = Array.from({ length: 40 }, (_, i) => node(i < 30, `c${i}`));
	const lines = renderTree([node(false, 'top', ...children)], ascii)
		.trimEnd()
		.split('\n');
	assert.equal(lines.length, 1 + childrenShownMax + 1);
	assert.equal(lines[1], '|- [ok] c0');
	assert.equal(lines.at(-2), '|- [NO] c39');
	assert.equal(lines.at(-1), '`- ... 28 more; --json has all');
	const many = Array.from({ length: 40 }, (_, i) => node(false, `c${i}`));
	assert.match(renderTree([node(false, 'top', ...many)], ascii), /28 more, 28 of them rejected; --json has all/);
});

test('no text can move the cursor, begin a line or grow without bound', () => {
	fc.assert(
		fc.property(fc.string({ unit: 'binary', maxLength: 3_000 }), (text) => {
			const out = renderTree([node(true, text, node(false, text))], ascii);
			assert.equal(out.split('\n').length, 3);
			// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not come through.
			assert.doesNotMatch(out.replace(/\n/g, ''), /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
			assert.ok(out.length < 9_000);
		}),
		{ numRuns: 200 },
	);
});
