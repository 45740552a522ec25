// What the fleet benchmark prints (docs/benchmarks.md).

/** CPU seconds per million events. */
export interface CpuSeconds {
	client: number;
	store: number;
	broker: number;
	total: number;
}

/** From CPU seconds over `events` events. */
export function perMillion(used: Omit<CpuSeconds, 'total'>, events: number): CpuSeconds {
	const scale = 1e6 / events;
	const client = used.client * scale;
	const store = used.store * scale;
	const broker = used.broker * scale;
	return { client, store, broker, total: client + store + broker };
}

/** The run whose total is in the middle (the lower one of two). */
export function medianRun<R extends { cpu: CpuSeconds }>(runs: readonly R[]): R {
	const sorted = [...runs].sort((a, b) => a.cpu.total - b.cpu.total);
	return sorted[(sorted.length - 1) >> 1] as R;
}
