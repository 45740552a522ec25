// How `process`, `demo` and `up` begin: settings loaded, internal events on stderr, heap bounded, the way results are shown.
import { createEmit, type Emit } from '@affidavit/stream/internal-event.ts';
import { createLogger } from '@affidavit/stream/logger.ts';
import { createMetrics, type Metrics } from '@affidavit/stream/metrics.ts';
import type { Config } from './config/schema.ts';
import { type CliContext, jsonLine } from './context.ts';
import { makeFolder } from './files.ts';
import { boundHeap } from './heap.ts';
import { renderOutcome } from './process/render.ts';
import type { SessionSummary } from './sessions/summary.ts';
import { loadSettings, type Settings } from './settings.ts';

export interface RunStart {
	emit: Emit;
	metrics: Metrics;
	settings: Settings;
	/** Prints a session's outcome: one JSON object on a line, or text for a person. */
	print: (session: SessionSummary) => void;
}

/** Rejects with CliError when a key, rule, indicator or secret cannot be used. */
export async function startRun(
	context: CliContext,
	config: Config,
	json: boolean,
	options: { processMetrics?: boolean } = {},
): Promise<RunStart> {
	boundHeap();
	const metrics = createMetrics({ processMetrics: options.processMetrics === true });
	const emit = createEmit(createLogger({ level: config.log.level }), metrics.registry);
	const settings = await loadSettings(config, context.env, emit);
	// Before anything is read: an attestation that cannot be written would be found at the end only.
	await makeFolder(config.outDir);
	const target = {
		colour: context.stdout.isTTY === true,
		cwd: context.cwd,
		publicKeyFile: settings.publicKeyFile,
	};
	return {
		emit,
		metrics,
		settings,
		print: (session) => void context.stdout.write(json ? jsonLine(session) : renderOutcome(session, target)),
	};
}
