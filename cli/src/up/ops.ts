// What `up` shows of itself: metrics and readiness on a port where one is configured, spans where they are asked for.
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Log, Store } from '@affidavit/stream/ports.ts';
import type { StepObservation } from '@affidavit/stream/runner/options.ts';
import type { PartitionRunner } from '@affidavit/stream/runner/partition-runner.ts';
import type { Topology } from '@affidavit/stream/runner/topology.ts';
import type { Stage } from '@affidavit/stream/stage.ts';
import type { Tracing } from '@affidavit/stream/tracing.ts';
import { createMeasuring, type Measuring } from '../ops/measured.ts';
import { createReadiness } from '../ops/readiness.ts';
import { openOpsServer } from '../ops/server.ts';
import { type PartitionState, registerStateMetrics } from '../ops/state-metrics.ts';
import { openTelemetry } from '../ops/telemetry.ts';
import { createWorkMetrics } from '../ops/work-metrics.ts';
import type { UpRun } from './run.ts';

export interface UpOps {
	stage: (stage: Stage) => Stage;
	store: (store: Store) => Store;
	emit: Emit;
	observe: (observation: StepObservation) => void;
	tracing: Tracing | undefined;
	/** All partitions are open: ready. */
	started(topology: Topology): void;
	close(): Promise<void>;
}

const elapsed = (): number => performance.now();

/** Throws CliError('listen-failed'). */
export async function openUpOps(run: UpRun, log: Log, stages: readonly Stage[]): Promise<UpOps> {
	const { config, emit, metrics } = run;
	const measuring = createMeasuring(createWorkMetrics(metrics.registry, run.version), Date.now, elapsed);
	let runners: readonly PartitionRunner[] | null = null;
	const readiness = createReadiness(
		[
			{
				name: 'partitions',
				check: async () => {
					if (runners === null) throw new Error('not open yet');
				},
			},
		],
		{ now: elapsed },
	);
	const inputs = new Map(stages.map((stage) => [stage.name, stage.input]));
	const stateOf = async (runner: PartitionRunner): Promise<PartitionState> => {
		const { end } = await log.bounds(inputs.get(runner.stage) ?? 'trace', runner.partition);
		return partitionState(runner, end, measuring);
	};
	registerStateMetrics(
		metrics.registry,
		async () => ({
			checks: (await readiness()).checks,
			partitions: await Promise.all((runners ?? []).map(stateOf)),
			hosts: [],
			clockSkews: [],
			redis: null,
			kafka: null,
		}),
		elapsed,
	);
	const telemetry = await openTelemetry({
		config: config.tracing,
		env: run.env,
		serviceName: 'affidavit-up',
		version: run.version,
		topicPrefix: '',
		registry: metrics.registry,
		emit,
	});
	const { host, port, enabled } = config.ops;
	const server =
		enabled && port !== null ? await openOpsServer({ host, port, readiness, registry: metrics.registry, emit }) : null;
	return {
		stage: measuring.stage,
		store: measuring.store,
		emit: measuring.emit(emit),
		observe: (observation) => {
			metrics.observe(observation);
			measuring.observe(observation);
		},
		tracing: telemetry.tracing,
		started: (topology) => {
			runners = topology.runners;
		},
		close: async () => {
			await server?.close();
			await telemetry.close();
		},
	};
}

function partitionState(runner: PartitionRunner, end: number, measuring: Measuring): PartitionState {
	const { stage, partition } = runner;
	const lagRecords = Math.max(0, end - runner.position());
	const takenUs = measuring.takenUs(stage, partition);
	let outboxPending = 0;
	for (const [scope, count] of measuring.outboxPending())
		if (scope.stage === stage && scope.partition === partition) outboxPending = count;
	return {
		stage,
		partition,
		state: runner.replaying() ? 'replaying' : 'live',
		lagRecords,
		lagSeconds: lagRecords === 0 ? 0 : takenUs < 0 ? null : Math.max(0, Date.now() / 1000 - takenUs / 1e6),
		outboxPending,
	};
}
