// Waiting for a change in a folder.
import { type FSWatcher, watch } from 'node:fs';
import type { Emit } from '@affidavit/stream/internal-event.ts';

export interface FolderWatch {
	/** Until something changed since the last wait, `waitMs` pass or `signal` aborts. */
	wait(waitMs: number, signal: AbortSignal): Promise<void>;
	close(): void;
}

/** Where the system cannot watch, waiting is polling: told once. */
export function watchFolder(folder: string, emit: Emit): FolderWatch {
	let changed = false;
	let wake = (): void => {};
	let watcher: FSWatcher | null = null;
	const unwatchable = (cause: unknown): void => {
		watcher?.close();
		watcher = null;
		emit({
			name: 'export_watch_failed',
			stage: 'ingest',
			reason: 'watch',
			intentional: true,
			message: `${folder}: cannot be watched, is polled: ${String(cause)}`,
		});
	};
	try {
		watcher = watch(folder, { persistent: false }, () => {
			changed = true;
			wake();
		});
		watcher.on('error', unwatchable);
	} catch (cause) {
		unwatchable(cause);
	}
	return {
		wait(waitMs, signal) {
			if (changed || signal.aborted) {
				changed = false;
				return Promise.resolve();
			}
			return new Promise((resolve) => {
				const done = (): void => {
					clearTimeout(timer);
					signal.removeEventListener('abort', done);
					wake = () => {};
					changed = false;
					resolve();
				};
				const timer = setTimeout(done, waitMs);
				signal.addEventListener('abort', done);
				wake = done;
			});
		},
		close: () => watcher?.close(),
	};
}
