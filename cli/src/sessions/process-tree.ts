// The process tree as lines, roots first. Untrusted: parents may be missing or go in a circle.
import type { TracedProcess } from '@affidavit/attest/generated/runtime-trace-v0.1.ts';

export interface TreeLine {
	depth: number;
	process: TracedProcess;
}

/**
 * Depth-first, children by start. Every process comes once. Forks that never executed anything are left out unless
 * `forks`, their children then hang on the nearest image that is shown.
 */
export function processTree(processes: readonly TracedProcess[], forks: boolean): TreeLine[] {
	const byId = new Map(processes.map((p) => [p.execId, p]));
	const children = new Map<string, TracedProcess[]>();
	const tops: TracedProcess[] = [];
	for (const p of [...byId.values()].sort(byStart)) {
		if (p.root || p.parentExecId === p.execId || !byId.has(p.parentExecId)) tops.push(p);
		else {
			const siblings = children.get(p.parentExecId);
			if (siblings) siblings.push(p);
			else children.set(p.parentExecId, [p]);
		}
	}
	tops.sort((a, b) => Number(b.root) - Number(a.root) || byStart(a, b));

	const lines: TreeLine[] = [];
	const seen = new Set<string>();
	const walk = (start: TracedProcess): void => {
		// A stack of our own: a chain of execs can be as deep as the session is long.
		const stack: TreeLine[] = [{ depth: 0, process: start }];
		for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
			const { depth, process } = top;
			if (seen.has(process.execId)) continue;
			seen.add(process.execId);
			const shown = forks || process.executed || process.root;
			if (shown) lines.push(top);
			const below = children.get(process.execId) ?? [];
			for (let i = below.length - 1; i >= 0; i--)
				stack.push({ depth: shown ? depth + 1 : depth, process: below[i] as TracedProcess });
		}
	};
	for (const top of tops) walk(top);
	// What only a circle of parents leads to.
	for (const p of byId.values()) if (!seen.has(p.execId)) walk(p);
	return lines;
}

const byStart = (a: TracedProcess, b: TracedProcess): number =>
	a.timeUs - b.timeUs || (a.execId < b.execId ? -1 : a.execId > b.execId ? 1 : 0);
