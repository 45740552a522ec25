// A tree of marked lines for a terminal: UTF-8 or plain ASCII, coloured or not, bounded in breadth and width.
import { styleText } from 'node:util';
import { printable } from '../text/printable.ts';

export interface TreeNode {
	/** Accepted or rejected; null for a line that is neither. */
	accepted: boolean | null;
	/** Untrusted: made printable here. */
	text: string;
	children: readonly TreeNode[];
}

export interface TreeStyle {
	utf8: boolean;
	colour: boolean;
}

/** Of one parent; rejected ones are kept before accepted ones. */
export const childrenShownMax = 12;
/** Characters of one line's text. */
const textCharsMax = 600;
/** A tree of this program is six levels deep. */
const depthMax = 12;

interface Glyphs {
	yes: string;
	no: string;
	branch: string;
	last: string;
	through: string;
	ellipsis: string;
}
const utf8Glyphs: Glyphs = { yes: '✔', no: '✘', branch: '├─ ', last: '└─ ', through: '│  ', ellipsis: '…' };
const asciiGlyphs: Glyphs = { yes: '[ok]', no: '[NO]', branch: '|- ', last: '`- ', through: '|  ', ellipsis: '...' };

export interface TerminalFacts {
	isTerminal: boolean;
	env: Readonly<Record<string, string | undefined>>;
}

/** UTF-8 on a terminal whose locale says so; colours on a terminal that can, unless NO_COLOR is set (no-color.org). */
export function treeStyle({ isTerminal, env }: TerminalFacts): TreeStyle {
	const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
	return {
		utf8: isTerminal && /utf-?8/i.test(locale),
		colour: isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
	};
}

/** One line a node; ends with a newline unless empty. */
export function renderTree(nodes: readonly TreeNode[], style: TreeStyle): string {
	const glyphs = style.utf8 ? utf8Glyphs : asciiGlyphs;
	const lines: string[] = [];
	const walk = (node: TreeNode, head: string, indent: string, depth: number): void => {
		lines.push(`${head}${mark(node, glyphs, style)}${clip(node.text, glyphs)}\n`);
		if (depth === depthMax) return;
		const { shown, hidden } = chosen(node.children);
		shown.forEach((child, i) => {
			const isLast = i === shown.length - 1 && hidden === '';
			walk(
				child,
				indent + (isLast ? glyphs.last : glyphs.branch),
				indent + (isLast ? '   ' : glyphs.through),
				depth + 1,
			);
		});
		if (hidden !== '') lines.push(`${indent}${glyphs.last}${glyphs.ellipsis} ${hidden}; --json has all\n`);
	};
	for (const node of nodes) walk(node, '', '', 0);
	return lines.join('');
}

/** In the order given, but where there are too many the rejected go first. */
function chosen(children: readonly TreeNode[]): { shown: TreeNode[]; hidden: string } {
	if (children.length <= childrenShownMax) return { shown: [...children], hidden: '' };
	const keep = new Set<TreeNode>();
	for (const wanted of [false, null, true])
		for (const child of children) if (keep.size < childrenShownMax && child.accepted === wanted) keep.add(child);
	const left = children.filter((child) => !keep.has(child));
	const rejected = left.filter((child) => child.accepted === false).length;
	const words = `${left.length} more${rejected === 0 ? '' : `, ${rejected} of them rejected`}`;
	return { shown: children.filter((child) => keep.has(child)), hidden: words };
}

function mark({ accepted }: TreeNode, glyphs: Glyphs, style: TreeStyle): string {
	if (accepted === null) return '';
	const glyph = accepted ? glyphs.yes : glyphs.no;
	// The caller has asked the stream already.
	const text = style.colour ? styleText(accepted ? 'green' : 'red', glyph, { validateStream: false }) : glyph;
	return `${text} `;
}

function clip(text: string, glyphs: Glyphs): string {
	const line = printable(text.length > textCharsMax * 2 ? text.slice(0, textCharsMax * 2) : text);
	return line.length > textCharsMax ? `${line.slice(0, textCharsMax)}${glyphs.ellipsis}` : line;
}
