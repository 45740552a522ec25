// What a worker holds of open sessions in memory only: processes for leads, the manifest on its way, facts of small sessions.
// All of it can be read back from the stored facts, so it is dropped when there is too much, and after a restart.
import { decodeFactBatch, type Facts } from '@affidavit/model/facts.ts';
import type { Manifest } from '@affidavit/model/manifest.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { RuleSet } from '../rules/rule-set.ts';
import type { ChainEnd } from './fact-source.ts';
import type { IndicatorSet } from './indicator-set.ts';
import { createLeadFinder, type LeadFinder } from './leads.ts';
import type { DetectLimits } from './limits.ts';
import type { SessionState } from './session-state.ts';

export interface ManifestAnswer {
	manifest: Manifest | null;
	/** Why it is missing or partial; empty when whole. */
	note: string;
	/** True when the manifest is the build's own word, not a repository's. */
	declared?: boolean;
}

export type ResolveManifest = (request: {
	repository: string;
	commit: string;
	workspace: string;
}) => Promise<ManifestAnswer>;

export interface LiveSession {
	finder: LeadFinder;
	manifest: Promise<ManifestAnswer>;
	/** The answer once it is there; null until then and after it was used. */
	arrived: ManifestAnswer | null;
	/** All batches so far; null when there are too many facts, or some came before this worker did. */
	cached: Facts[] | null;
	cachedFiles: number;
}

export interface LiveSessionsInput {
	rules: RuleSet;
	indicators: () => IndicatorSet;
	resolveManifest: ResolveManifest;
	readFacts(session: string, expected?: ChainEnd): AsyncIterable<Uint8Array>;
	limits: DetectLimits;
	emit: Emit;
}

export interface LiveSessions {
	/** The session's memory; read back from the stored facts where this worker has not seen its beginning. */
	get(state: SessionState): Promise<LiveSession>;
	/** Keeps a batch while the session is small. */
	cache(live: LiveSession, facts: Facts): void;
	drop(session: string): void;
}

export function createLiveSessions(input: LiveSessionsInput): LiveSessions {
	const { limits } = input;
	const live = new Map<string, LiveSession>();
	let cachedFiles = 0;

	const uncache = (one: LiveSession): void => {
		cachedFiles -= one.cachedFiles;
		one.cachedFiles = 0;
		one.cached = null;
	};
	const drop = (session: string): void => {
		const one = live.get(session);
		if (!one) return;
		uncache(one);
		live.delete(session);
	};
	return {
		async get(state) {
			const known = live.get(state.session);
			if (known) {
				// Moved to the end: the first of the map is the longest unused.
				live.delete(state.session);
				live.set(state.session, known);
				return known;
			}
			const one = start(input, state);
			if (state.next > 0) await readBack(input, state, one);
			const oldest = live.size >= limits.liveSessions ? live.keys().next().value : undefined;
			if (oldest !== undefined) drop(oldest);
			live.set(state.session, one);
			return one;
		},
		cache(one, facts) {
			if (!one.cached) return;
			const more = facts.files.length;
			if (one.cachedFiles + more > limits.cachedFacts || cachedFiles + more > limits.cachedFactsTotal) {
				uncache(one);
				return;
			}
			one.cached.push(facts);
			one.cachedFiles += more;
			cachedFiles += more;
		},
		drop,
	};
}

function start(input: LiveSessionsInput, state: SessionState): LiveSession {
	const { opened, session } = state;
	const one: LiveSession = {
		finder: createLeadFinder({
			...input,
			session,
			opened,
			indicators: input.indicators(),
			emitted: state.leads.keys(),
		}),
		manifest: resolve(input, state),
		arrived: null,
		cached: state.next === 0 ? [] : null,
		cachedFiles: 0,
	};
	void one.manifest.then((answer) => {
		one.arrived = answer;
	});
	return one;
}

async function readBack(input: LiveSessionsInput, state: SessionState, one: LiveSession): Promise<void> {
	try {
		let batches = 0;
		for await (const bytes of input.readFacts(state.session, { batches: state.next, head: state.head })) {
			if (batches++ >= state.next) return;
			one.finder.learn(decodeFactBatch(bytes).facts);
		}
	} catch (error) {
		// Leads only lose names; the close reads the facts again and checks them.
		input.emit({
			name: 'lead_state_lost',
			stage: 'detect',
			reason: 'facts-unreadable',
			intentional: false,
			message: 'The facts of an open session could not be read back; its leads name fewer processes.',
			detail: { session: state.session, error: error instanceof Error ? error.message : String(error) },
		});
	}
}

/** Never rejects: what cannot be resolved is said in the verdict. */
async function resolve(input: LiveSessionsInput, state: SessionState): Promise<ManifestAnswer> {
	const { repository = '', commit = '', workspace = '' } = state.opened ?? {};
	try {
		return await input.resolveManifest({ repository, commit, workspace });
	} catch (error) {
		input.emit({
			name: 'manifest_unresolved',
			stage: 'detect',
			reason: 'failed',
			intentional: false,
			message: 'The repository manifest could not be resolved.',
			detail: { session: state.session, error: error instanceof Error ? error.message : String(error) },
		});
		return { manifest: null, note: 'failed: the manifest could not be made' };
	}
}
