// Spans of the pipeline, by OpenTelemetry's conventions for messaging: one a batch, linked to what caused it.
import type { BatchSpan, Tracing } from '@affidavit/stream/tracing.ts';
import {
	ROOT_CONTEXT,
	type SpanContext,
	SpanKind,
	SpanStatusCode,
	TraceFlags,
	type Tracer,
	trace,
} from '@opentelemetry/api';
import { inputOf } from '../../service/services.ts';

/** Of one span; beyond, the batch's other causes are not named. */
const linksMax = 128;

export function createTracing(tracer: Tracer, topicPrefix: string): Tracing {
	return {
		startBatch(stage, links, attributes): BatchSpan {
			const causes = distinctContexts(links);
			const input = inputOf(stage);
			// A stage without input is the agent's: it sends.
			const destination = `${topicPrefix}${input ?? 'trace'}`;
			const only = causes.length === 1 ? causes[0] : undefined;
			// One cause: the same trace goes on. Several: a trace of its own that names them all.
			const parent = only === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, only);
			const operation = input === undefined ? 'send' : 'process';
			const span = tracer.startSpan(
				`${operation} ${destination}`,
				{
					kind: input === undefined ? SpanKind.PRODUCER : SpanKind.CONSUMER,
					attributes: {
						'messaging.system': 'kafka',
						'messaging.operation.name': operation,
						'messaging.operation.type': operation,
						'messaging.destination.name': destination,
						...(input === undefined ? {} : { 'messaging.consumer.group.name': `${topicPrefix}${stage}` }),
						'affidavit.stage': stage,
						...named(attributes),
					},
					links: causes.map((context) => ({ context })),
				},
				parent,
			);
			return {
				traceparent: formatTraceparent(span.spanContext()),
				end(outcome, more) {
					if (more) span.setAttributes(named(more));
					if (outcome === 'error') span.setStatus({ code: SpanStatusCode.ERROR });
					span.end();
				},
			};
		},
	};
}

type Attributes = Readonly<Record<string, string | number>>;

/** The runner's words, by the conventions where they have one. */
const conventions: ReadonlyMap<string, string> = new Map([
	['partition', 'messaging.destination.partition.id'],
	['offset', 'messaging.kafka.offset'],
	['records', 'messaging.batch.message_count'],
]);

function named(attributes: Attributes): Record<string, string | number> {
	const out: Record<string, string | number> = {};
	for (const [name, value] of Object.entries(attributes)) {
		const conventional = conventions.get(name);
		// A partition's id is text there.
		if (conventional === undefined) out[`affidavit.${name}`] = value;
		else out[conventional] = name === 'partition' ? String(value) : value;
	}
	return out;
}

function distinctContexts(traceparents: readonly string[]): SpanContext[] {
	const contexts = new Map<string, SpanContext>();
	for (const text of traceparents) {
		if (contexts.size >= linksMax) break;
		if (contexts.has(text)) continue;
		const context = parseTraceparent(text);
		if (context) contexts.set(text, context);
	}
	return [...contexts.values()];
}

const pattern = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/;

/** W3C Trace Context: version-traceid-spanid-flags. null for anything else: the header is a stranger's word. */
export function parseTraceparent(text: string): SpanContext | null {
	if (text.length !== 55) return null;
	const match = pattern.exec(text);
	if (!match) return null;
	const [, traceId, spanId, flags] = match as unknown as [string, string, string, string];
	return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true };
}

export const formatTraceparent = ({ traceId, spanId, traceFlags }: SpanContext): string =>
	`00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`;
