// What is older than any session can still reach back to is forgotten, so that a host's memory follows what it did lately and not
// how long it is known. By the order of events alone: how they were cut into batches decides nothing.
import { type Content, type Contents, drop } from './content.ts';
import { forgetSizes } from './digest-sizes.ts';
import type { Step } from './host.ts';
import type { Limits } from './limits.ts';
import { notice } from './notices.ts';
import { isAlive, type ProcessTree, removeNode, sessionOf } from './process-tree.ts';
import { runMarginUs } from './writing-runs.ts';

/** Between two looks, event time: a look goes through everything. */
const everyUs = 60_000_000;

/** A session open now began this long ago at most, and reaches back by the horizon from there. */
export const reachUs = ({ sessionUs, horizonUs, skewUs }: Limits): number =>
	sessionUs + horizonUs + skewUs + runMarginUs;

/** To be called before an event of this time is applied. */
export function forgetOld(step: Step, timeUs: number): void {
	const { contents, tree, sizes } = step.host;
	if (timeUs < contents.forgetUs) return;
	const nowUs = timeUs - (timeUs % everyUs);
	contents.forgetUs = nowUs + everyUs;
	const ageUs = reachUs(step.settings.limits);
	const beforeUs = nowUs - ageUs;
	const processes = forgetProcesses(tree, beforeUs);
	if (processes > 0) notice(step.notices, 'processes_forgotten', 'age', true, processes);
	const files = forgetContents(contents, tree, beforeUs);
	if (files > 0) notice(step.notices, 'contents_forgotten', 'age', true, files);
	const digests = forgetSizes(sizes, nowUs, ageUs);
	if (digests > 0) notice(step.notices, 'digests_forgotten', 'age', true, digests);
}

/** Those that have exited. One that lives may do something yet. */
function forgetProcesses(tree: ProcessTree, beforeUs: number): number {
	let forgotten = 0;
	for (const node of tree.nodes.values()) {
		const { exitedUs } = node.chain;
		if (exitedUs === -1 || exitedUs >= beforeUs || sessionOf(node) !== null) continue;
		removeNode(tree, node);
		forgotten++;
	}
	return forgotten;
}

/** Those that nobody has changed since, or holds open for writing. */
function forgetContents(contents: Contents, tree: ProcessTree, beforeUs: number): number {
	let forgotten = 0;
	for (const content of contents.all) {
		if (lastUs(content) >= beforeUs || content.marks.length > 0) continue;
		if (content.holders.some(({ execId }) => isAlive(tree, execId))) continue;
		drop(contents, content);
		forgotten++;
	}
	return forgotten;
}

function lastUs({ writtenUs, changeSeenUs, executedUs, deeds }: Content): number {
	let last = Math.max(writtenUs, changeSeenUs, executedUs);
	for (const deed of deeds) last = Math.max(last, deed.lastUs);
	return last;
}
