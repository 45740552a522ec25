// Distributed tracing as the runtime sees it; the OpenTelemetry edge implements it, and nothing of it is loaded when off.

export interface BatchSpan {
	/** W3C Trace Context for the records that the batch caused. */
	traceparent: string;
	/** `error` when the batch failed or was fenced. */
	end(outcome: 'ok' | 'error', attributes?: Readonly<Record<string, string | number>>): void;
}

export interface Tracing {
	/** A span over one step, from the first read record to the published outputs. `links`: traceparents of the input records, bounded. */
	startBatch(stage: string, links: readonly string[], attributes: Readonly<Record<string, string | number>>): BatchSpan;
}
