// Which traces are kept: decided once, at a trace's beginning, and followed by everything that it caused.
import { type Context, type Link, SamplingDecision, type SamplingResult, TraceFlags, trace } from '@opentelemetry/api';

const keep: SamplingResult = { decision: SamplingDecision.RECORD_AND_SAMPLED };
const drop: SamplingResult = { decision: SamplingDecision.NOT_RECORD };

export interface Sampler {
	shouldSample(
		context: Context,
		traceId: string,
		name: string,
		kind: unknown,
		attributes: unknown,
		links: readonly Link[],
	): SamplingResult;
	toString(): string;
}

/** A batch that is caused by anything that is kept, is kept; one without a cause by the ratio of its trace id. */
export function createSampler(ratio: number): Sampler {
	const bound = Math.floor(ratio * 0x1_0000_0000);
	return {
		shouldSample(context, traceId, _name, _kind, _attributes, links) {
			const parent = trace.getSpanContext(context);
			if (parent) return isSampled(parent.traceFlags) ? keep : drop;
			if (links.length > 0) return links.some((link) => isSampled(link.context.traceFlags)) ? keep : drop;
			// The last digits are the random ones (W3C Trace Context, level 2).
			return Number.parseInt(traceId.slice(-8), 16) < bound ? keep : drop;
		},
		toString: () => `affidavit{${ratio}}`,
	};
}

const isSampled = (flags: number): boolean => (flags & TraceFlags.SAMPLED) !== 0;
