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

/** Lines of one event, stage and reason that are written as they come; a flood's come at doubling intervals, with what they stand for. */
const linesMax = 10;
const lineGapMsMin = 1_000;
const lineGapMsMax = 60_000;

interface Lines {
	/** Since it was last quiet. */
	written: number;
	lastMs: number;
	/** Things not written of since. */
	held: number;
}

/**
 * Normal operation logs nothing above debug; unintentional events warn. The metrics count every event; the log is bounded: who
 * forges records, or a broker that is away for days, fills no disk. `nowMs` is monotonic.
 */
export function createEmit(logger: Logger, registry: Registry, nowMs: () => number = () => performance.now()): Emit {
	const counters = new Map<string, Counter>();
	const lines = new Map<string, Lines>();
	/** Things that the line stands for; 0: not written now. */
	const admit = ({ name, stage, reason, count = 1 }: InternalEvent): number => {
		const id = `${name} ${stage} ${reason}`;
		const now = nowMs();
		let line = lines.get(id);
		if (!line || now - line.lastMs > 2 * lineGapMsMax) {
			line = { written: 0, lastMs: now, held: line?.held ?? 0 };
			lines.set(id, line);
		}
		const gapMs = line.written < linesMax ? 0 : Math.min(lineGapMsMax, lineGapMsMin * 2 ** (line.written - linesMax));
		line.held += count;
		if (now - line.lastMs < gapMs) return 0;
		const stoodFor = line.held;
		line.held = 0;
		line.written += 1;
		line.lastMs = now;
		return stoodFor;
	};
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
		const { name: named, stage, reason, message, detail } = event;
		if (event.intentional) {
			logger.debug({ event: named, stage, reason, count: event.count ?? 1, ...detail }, message);
			return;
		}
		const count = admit(event);
		if (count > 0) logger.warn({ event: named, stage, reason, count, ...detail }, message);
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
