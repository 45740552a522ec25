// What is different about the events of an imported trace: executions that wait for nothing, and what the importer says.
import { aboutHook, orphanHook } from '@affidavit/model/imported.ts';
import type { TraceEvent } from '@affidavit/model/trace-event.ts';
import { addNote, addProcess } from './collector.ts';
import { executed } from './file-events.ts';
import type { Step } from './host.ts';
import { countOrphan, placeProcess } from './placing.ts';
import { type ProcessNode, sessionOf } from './process-tree.ts';
import type { Item } from './reorder.ts';

/** True for what is no event of the build. */
export const tellsOfImport = ({ hook }: TraceEvent): boolean => hook === aboutHook || hook === orphanHook;

/** An imported check names the image that was executed: nothing is to be waited for. */
export function executedNow(step: Step, node: ProcessNode, event: TraceEvent): void {
	executed(step, node, { event, otherSize: -1, copies: 0, kept: null });
	if (event.digest === '' || (node.digest !== '' && event.path !== node.info.binary)) return;
	node.digest = event.digest;
	step.host.tree.dirty.add(event.execId);
	const session = sessionOf(node);
	if (session !== null) addProcess(step.collector, session, node, false);
}

/** What an importer says of its trace goes with the session as a note; that a process has lost its parent, as in any trace. */
export function noteImport(step: Step, item: Item): void {
	const { event } = item;
	const node = placeProcess(step, item);
	const session = sessionOf(node);
	if (session === null) return;
	if (event.hook === orphanHook) countOrphan(step, session, node, event.timeUs);
	else {
		const note = { cause: 'imported', execId: '', detail: event.path, timeUs: event.timeUs, count: event.count };
		addNote(step.collector, session, note);
	}
}
