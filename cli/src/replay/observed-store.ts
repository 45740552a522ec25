// Tells of each commit of a replay's stages once it is through, before what it holds can be read.
import type { Commit, Scope, Store } from '@affidavit/stream/ports.ts';

export const observedStore = (store: Store, onCommit: (scope: Scope, commit: Commit) => Promise<void>): Store => ({
	...store,
	commit: async (scope, commit) => {
		const result = await store.commit(scope, commit);
		if (result.kind === 'committed') await onCommit(scope, commit);
		return result;
	},
});
