// Metrics that are counted while stages work. What can be read off when a scraper asks is in state-metrics.ts.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface WorkMetrics {
	deadLetters: Counter<'stage' | 'code'>;
	commits: Counter<'stage' | 'result'>;
	commitSeconds: Histogram<'stage'>;
	eventToLeadSeconds: Histogram;
}

export function createWorkMetrics(registry: Registry, version: string): WorkMetrics {
	const registers = [registry];
	new Gauge({
		name: 'affidavit_build_info',
		help: 'Always 1; the label says which version runs.',
		labelNames: ['version'],
		registers,
	}).set({ version }, 1);
	return {
		deadLetters: new Counter({
			name: 'affidavit_dead_letters_total',
			help: 'Input that a stage refused, by the code of docs/errors.md.',
			labelNames: ['stage', 'code'],
			registers,
		}),
		commits: new Counter({
			name: 'affidavit_commits_total',
			help: 'Commits to the session store; fenced: another worker was first.',
			labelNames: ['stage', 'result'],
			registers,
		}),
		commitSeconds: new Histogram({
			name: 'affidavit_commit_seconds',
			help: 'One commit to the session store.',
			labelNames: ['stage'],
			buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5],
			registers,
		}),
		eventToLeadSeconds: new Histogram({
			name: 'affidavit_event_to_lead_seconds',
			help: "From a lead's last event, by the host's clock, to its publishing.",
			buckets: [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10, 60, 600],
			registers,
		}),
	};
}
