// What is published is forgotten with the scope's next commit, which saves a call per batch. A scope that falls idle is told by
// itself, a moment later. Until then a successor publishes again what it finds: readers drop it by its origin, as after a crash.
import type { Scope } from '../ports.ts';

export interface Published {
	scope: Scope;
	/** Outbox id up to which is forgotten. */
	id: number;
	atVersion: string;
}

export interface Forgetting {
	/** Outputs are in the log. */
	note(published: Published): void;
	/** To be forgotten with a commit on top of `version`; 0: nothing. */
	withCommit(scope: Scope, version: string): number;
	/** The commit is done, or another has come before it: what was noted for `version` is settled. */
	settle(scope: Scope, version: string): void;
	/** Tells the server of what was noted for the scope. */
	flush(scope: Scope): Promise<void>;
	/** Of every scope; never rejects. */
	flushAll(): Promise<void>;
	stop(): void;
}

export function createForgetting(delayMs: number, forget: (published: Published) => Promise<void>): Forgetting {
	/** One a scope: the latest. */
	const noted = new Map<string, Published>();
	let timer: NodeJS.Timeout | null = null;
	const keyOf = (scope: Scope): string => `${scope.partition}/${scope.stage}`;
	const flushKey = async (key: string): Promise<void> => {
		const published = noted.get(key);
		if (!published) return;
		await forget(published);
		if (noted.get(key) === published) noted.delete(key);
	};
	const flushAll = async (): Promise<void> => {
		// What fails stays noted: the next commit, or the next round, takes it along.
		await Promise.allSettled([...noted.keys()].map(flushKey));
	};
	const arm = (): void => {
		if (timer !== null) return;
		timer = setTimeout(() => {
			timer = null;
			void flushAll().then(() => {
				if (noted.size > 0) arm();
			});
		}, delayMs);
		timer.unref();
	};
	const stop = (): void => {
		if (timer !== null) clearTimeout(timer);
		timer = null;
		noted.clear();
	};
	return {
		note: (published) => {
			const key = keyOf(published.scope);
			const before = noted.get(key);
			if (before?.atVersion === published.atVersion && before.id >= published.id) return;
			noted.set(key, published);
			arm();
		},
		withCommit: (scope, version) => {
			const published = noted.get(keyOf(scope));
			return published?.atVersion === version ? published.id : 0;
		},
		settle: (scope, version) => {
			const key = keyOf(scope);
			if (noted.get(key)?.atVersion === version) noted.delete(key);
		},
		flush: (scope) => flushKey(keyOf(scope)),
		flushAll,
		stop,
	};
}
