// An internal event is one notable thing: a drop, a gap, a retry, a suppression. It gives the log line and the metric
// together (style: Vector's internal events), so that neither can be forgotten.
import type { Logger } from 'pino';
import type { Counter, Registry } from 'prom-client';
import { Counter as PromCounter } from 'prom-client';

export interface InternalEvent {
	/** Verb phrase in snake_case: it is the metric's name after `affidavit_`, with `_total`. */
	name: string;
	stage: string;
	/** Closed, low-cardinality reason. */
	reason: string;
	/** True when this is what the configuration asks for (a bound reached, a duplicate dropped); false when something is wrong. */
	intentional: boolean;
	/** How many things; 1 when absent. */
	count?: number;
	message: string;
	/** Detail for the log line only. */
	detail?: Record<string, unknown>;
}

export type Emit = (event: InternalEvent) => void;

/** `level`: normal operation logs nothing above debug; unintentional events warn. */
export function createEmit(logger: Logger, registry: Registry): Emit {
	const counters = new Map<string, Counter>();
	return (event) => {
		const name = `affidavit_${event.name}_total`;
		let counter = counters.get(name);
		if (!counter) {
			counter = new PromCounter({
				name,
				help: `Internal event ${event.name}.`,
				labelNames: ['stage', 'reason', 'intentional'],
				registers: [registry],
			});
			counters.set(name, counter);
		}
		counter.inc({ stage: event.stage, reason: event.reason, intentional: String(event.intentional) }, event.count ?? 1);
		const fields = {
			event: event.name,
			stage: event.stage,
			reason: event.reason,
			count: event.count ?? 1,
			...event.detail,
		};
		if (event.intentional) logger.debug(fields, event.message);
		else logger.warn(fields, event.message);
	};
}

/** Collects events; for tests and for the summary of a one-shot run. */
export function collectingEmit(): { emit: Emit; events: InternalEvent[]; count: (name: string) => number } {
	const events: InternalEvent[] = [];
	return {
		emit: (event) => {
			events.push(event);
		},
		events,
		count: (name) => events.reduce((sum, e) => (e.name === name ? sum + (e.count ?? 1) : sum), 0),
	};
}
