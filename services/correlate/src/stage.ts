// The correlate stage: records of topic `trace` in, fact batches of topic `session` out.
import type { KeyObject } from 'node:crypto';
import type { ResolveKey } from '@affidavit/model/batch-signature.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Stage } from '@affidavit/stream/stage.ts';
import type { Adoption, Settings } from './core/host.ts';
import { defaultLimits, type Limits } from './core/limits.ts';
import { type Matcher, parseMatchers } from './core/matcher.ts';
import { CorrelateError } from './errors.ts';
import type { PartitionView } from './health.ts';
import presets from './matchers/presets.json' with { type: 'json' };
import { correlateStageName } from './names.ts';
import { openWorker } from './worker.ts';

export { factsList } from './names.ts';

export interface CorrelateOptions {
	/** Which key a host may sign with at a time of the log; another host's key must not be returned as its own. */
	resolveKey: ResolveKey;
	/** Public keys of the services that may write ticks for silent hosts; they may write nothing else, and no host may write a tick. */
	resolveTickKey?: (keyId: string) => KeyObject | undefined;
	emit: Emit;
	/** In place of the shipped ones (`presetMatchers`). */
	matchers?: readonly Matcher[];
	adoptions?: readonly Adoption[];
	limits?: Partial<Limits>;
	/** Name of the step in attestations; default `build`. */
	step?: string;
	/** How long the store keeps a closed session's fact list for detect and sign, milliseconds. Default 24 h. */
	factsRetentionMs?: number;
}

export interface CorrelateStage extends Stage {
	/** What the workers opened in this process know of their hosts; a partition that has moved away stays as it was. */
	views(): Iterable<PartitionView>;
}

/** The shipped matchers: CI systems first, then builds by command. */
export const presetMatchers: readonly Matcher[] = parseMatchers(presets);

const factsRetentionMs = 24 * 3_600_000;

export function createCorrelateStage(options: CorrelateOptions): CorrelateStage {
	const limits: Limits = { ...defaultLimits, ...options.limits };
	for (const [name, value] of Object.entries({ ...limits, factsRetentionMs: options.factsRetentionMs ?? 0 }))
		if (!Number.isSafeInteger(value) || value < 0)
			throw new CorrelateError('bad-option', `limits.${name}: expected a whole number of 0 or more, not ${value}`);
	const settings: Settings = {
		limits,
		matchers: options.matchers ?? presetMatchers,
		adoptions: options.adoptions ?? [],
		step: options.step ?? 'build',
	};
	const views = new Map<number, PartitionView>();
	return {
		name: correlateStageName,
		input: 'trace',
		duplicates: 'stage',
		outputs: ['session'],
		open: async (partition, cells) => {
			const opened = openWorker(partition, cells, {
				settings,
				resolveKey: options.resolveKey,
				resolveTickKey: options.resolveTickKey ?? (() => undefined),
				emit: options.emit,
				factsRetentionMs: options.factsRetentionMs ?? factsRetentionMs,
			});
			views.set(partition, opened.view);
			return opened.worker;
		},
		views: () => views.values(),
	};
}
