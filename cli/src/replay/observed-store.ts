// Sees each commit of a replay's stages: before, to leave out what nobody will ask for; after, before what it holds can be read.
import type { Commit, Scope, Store } from '@affidavit/stream/ports.ts';

export interface CommitObserver {
	/** Lists that are not kept: facts of sessions that are not judged. */
	keepsList(list: string): boolean;
	/** The commit is about to be made. */
	before?(scope: Scope, commit: Commit): void;
	/** It is made. */
	after(scope: Scope, commit: Commit): Promise<void>;
}

export const observedStore = (store: Store, observer: CommitObserver): Store => ({
	...store,
	commit: async (scope, commit) => {
		observer.before?.(scope, commit);
		const result = await store.commit(scope, {
			...commit,
			appends: commit.appends.filter(({ list }) => observer.keepsList(list)),
			expireLists: (commit.expireLists ?? []).filter(({ list }) => observer.keepsList(list)),
		});
		if (result.kind === 'committed') await observer.after(scope, commit);
		return result;
	},
});
