import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROOT_CONTEXT, SamplingDecision, trace } from '@opentelemetry/api';
import fc from 'fast-check';
import { createSampler } from '../../../src/ops/otel/sampler.ts';
import { formatTraceparent, parseTraceparent } from '../../../src/ops/otel/tracing.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';

test('a traceparent is read and written back', () => {
	const context = parseTraceparent(`00-${traceId}-${spanId}-01`);
	assert.deepEqual(context, { traceId, spanId, traceFlags: 1, isRemote: true });
	assert.equal(context && formatTraceparent(context), `00-${traceId}-${spanId}-01`);
});

test('what is no traceparent is null, whatever it is', () => {
	for (const text of [
		'',
		`00-${traceId}-${spanId}`,
		`ff-${traceId}-${spanId}-01`,
		`00-${'0'.repeat(32)}-${spanId}-01`,
		`00-${traceId}-${'0'.repeat(16)}-01`,
		`00-${traceId.toUpperCase()}-${spanId}-01`,
		`00-${traceId}-${spanId}-01 `,
		'x'.repeat(1_000_000),
	])
		assert.equal(parseTraceparent(text), null, text.slice(0, 80));
	fc.assert(fc.property(fc.string({ maxLength: 60 }), (text) => parseTraceparent(text) === null));
});

const sampled = { context: { traceId, spanId, traceFlags: 1 } };
const unsampled = { context: { traceId, spanId, traceFlags: 0 } };
const { RECORD_AND_SAMPLED: keep, NOT_RECORD: drop } = SamplingDecision;

test('what a kept trace caused is kept, whatever the ratio; a beginning goes by its id', () => {
	const none = createSampler(0);
	const all = createSampler(1);
	const ask = (sampler: typeof none, links: (typeof sampled)[], parent?: typeof sampled) =>
		sampler.shouldSample(
			parent ? trace.setSpanContext(ROOT_CONTEXT, parent.context) : ROOT_CONTEXT,
			traceId,
			'',
			0,
			{},
			links,
		).decision;
	assert.equal(ask(none, []), drop);
	assert.equal(ask(all, []), keep);
	assert.equal(ask(none, [unsampled, sampled]), keep);
	assert.equal(ask(all, [unsampled]), drop);
	assert.equal(ask(none, [], sampled), keep);
	assert.equal(ask(all, [], unsampled), drop);
	const half = createSampler(0.5);
	fc.assert(
		fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), (n) => {
			const id = n.toString(16).padStart(32, '0');
			assert.equal(half.shouldSample(ROOT_CONTEXT, id, '', 0, {}, []).decision, n < 0x8000_0000 ? keep : drop);
		}),
	);
});
