// The metrics of /metrics over OTLP under the same names: one set of dashboards and alert rules serves both ways.
import type { BatchObservableCallback, Meter, Observable } from '@opentelemetry/api';
import type { Registry } from 'prom-client';

/** Time series of one name; beyond, the rest is left to /metrics. */
const seriesMax = 2000;

interface Sample {
	name: string;
	isCounter: boolean;
	help: string;
	value: number;
	labels: Record<string, string | number>;
}

/** Metrics that appear later are sent from the interval after. Call the result to end it. */
export function bridgeMetrics(meter: Meter, registry: Registry): () => void {
	const instruments = new Map<string, Observable>();
	let watched: Observable[] = [];

	const observe: BatchObservableCallback = async (result) => {
		const seen = new Map<string, number>();
		for (const sample of await samplesOf(registry)) {
			const count = (seen.get(sample.name) ?? 0) + 1;
			seen.set(sample.name, count);
			const instrument = instruments.get(sample.name);
			if (instrument === undefined) add(sample);
			else if (count <= seriesMax && watched.includes(instrument))
				result.observe(instrument, sample.value, sample.labels);
		}
		watch();
	};

	const add = ({ name, isCounter, help }: Sample): void => {
		const create = isCounter ? meter.createObservableCounter : meter.createObservableGauge;
		instruments.set(name, create.call(meter, name, { description: help }));
	};

	const watch = (): void => {
		if (watched.length === instruments.size && watched.length > 0) return;
		if (watched.length > 0) meter.removeBatchObservableCallback(observe, watched);
		watched = [...instruments.values()];
		if (watched.length > 0) meter.addBatchObservableCallback(observe, watched);
	};

	// So that the first interval has something to observe: what is registered from the start.
	void samplesOf(registry).then((samples) => {
		for (const sample of samples) if (!instruments.has(sample.name)) add(sample);
		watch();
	});
	return () => {
		if (watched.length > 0) meter.removeBatchObservableCallback(observe, watched);
	};
}

async function samplesOf(registry: Registry): Promise<Sample[]> {
	const samples: Sample[] = [];
	for (const metric of await registry.getMetricsAsJSON()) {
		// Read as text: prom-client's declared type is an enum that its own metrics do not use.
		const type = String(metric.type);
		for (const value of metric.values as { value: number; metricName?: string; labels: Sample['labels'] }[]) {
			if (!Number.isFinite(value.value)) continue;
			const part = value.metricName ?? metric.name;
			const isCounter = type === 'counter' || (type !== 'gauge' && part !== metric.name);
			samples.push({
				// prom-client takes the ending from a counter's name once it was scraped as OpenMetrics.
				name: type === 'counter' && !part.endsWith('_total') ? `${part}_total` : part,
				isCounter,
				help: metric.help,
				value: value.value,
				labels: value.labels,
			});
		}
	}
	return samples;
}
