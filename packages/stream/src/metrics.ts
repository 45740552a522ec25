// The process's metrics, in Prometheus' form.
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';
import type { StepObservation } from './runner/options.ts';

export interface Metrics {
	readonly registry: Registry;
	/** For RunnerOptions.observe. */
	readonly observe: (observation: StepObservation) => void;
}

export interface MetricsOptions {
	/** Adds Node's own (event loop, heap, CPU). Default false. */
	processMetrics?: boolean;
}

export function createMetrics(options: MetricsOptions = {}): Metrics {
	const registry = new Registry();
	if (options.processMetrics) collectDefaultMetrics({ register: registry });
	const registers = [registry];
	const labelNames = ['stage'] as const;
	const records = new Counter({
		name: 'affidavit_input_records_total',
		help: 'Input records consumed.',
		labelNames,
		registers,
	});
	const bytes = new Counter({
		name: 'affidavit_input_bytes_total',
		help: 'Bytes of input records consumed.',
		labelNames,
		registers,
	});
	const outputs = new Counter({
		name: 'affidavit_output_records_total',
		help: 'Output records committed.',
		labelNames,
		registers,
	});
	const replayed = new Counter({
		name: 'affidavit_replayed_records_total',
		help: 'Input records read again to refill state after a start.',
		labelNames,
		registers,
	});
	const duration = new Histogram({
		name: 'affidavit_step_seconds',
		help: 'From reading a run of input records to its published outputs.',
		labelNames,
		buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 30],
		registers,
	});
	return {
		registry,
		observe: (o) => {
			const label = { stage: o.stage };
			if (o.replayed) {
				replayed.inc(label, o.records);
				return;
			}
			records.inc(label, o.records);
			bytes.inc(label, o.bytes);
			outputs.inc(label, o.outputs);
			duration.observe(label, o.durationMs / 1000);
		},
	};
}
