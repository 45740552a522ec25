import type { Topic } from './ports.ts';

/** Wakes who waits for a topic's next append. One per log, in the process that appends. */
export interface AppendSignal {
	wait(topic: Topic, signal: AbortSignal): Promise<void>;
	wake(topics: ReadonlySet<Topic>): void;
	/** Resolves all that wait: the log is closing. */
	wakeAll(): void;
}

export function createAppendSignal(): AppendSignal {
	const waiting = new Map<Topic, Set<() => void>>();
	const wakeTopic = (topic: Topic): void => {
		const callbacks = waiting.get(topic);
		if (!callbacks) return;
		waiting.delete(topic);
		for (const callback of callbacks) callback();
	};
	return {
		wait: (topic, signal) =>
			new Promise((resolve) => {
				if (signal.aborted) return resolve();
				const callbacks = waiting.get(topic) ?? new Set();
				waiting.set(topic, callbacks);
				const done = (): void => {
					signal.removeEventListener('abort', done);
					callbacks.delete(done);
					resolve();
				};
				callbacks.add(done);
				signal.addEventListener('abort', done);
			}),
		wake: (changed) => {
			for (const topic of changed) wakeTopic(topic);
		},
		wakeAll: () => {
			for (const topic of [...waiting.keys()]) wakeTopic(topic);
		},
	};
}
