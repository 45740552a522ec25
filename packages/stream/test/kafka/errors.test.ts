// What the operator is told when the brokers say no.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toStreamError } from '../../src/kafka/errors.ts';
import { planTopics } from '../../src/kafka/topic-plan.ts';
import { applyPlan } from '../../src/kafka/topics.ts';
import { dayMs, givenTopics } from './support.ts';

const several = (...errors: unknown[]): Error =>
	Object.assign(new Error('Topic creation errors'), { name: 'KafkaJSAggregateError', errors });

describe('an error about several topics', () => {
	it('tells the first that was refused, by its name', () => {
		const inner = Object.assign(new Error('Replication-factor is invalid'), {
			name: 'KafkaJSCreateTopicError',
			type: 'INVALID_REPLICATION_FACTOR',
			topic: 'p.trace',
		});
		const error = toStreamError('changing topics', several(inner));
		assert.equal(error.code, 'refused');
		assert.equal(error.message, 'changing topics: INVALID_REPLICATION_FACTOR: p.trace: Replication-factor is invalid');
	});
	it('is read whatever it holds', () => {
		for (const inner of [undefined, null, 7, 'text', {}, Object.create(null)])
			assert.equal(toStreamError('x', several(inner)).code, 'unavailable');
		assert.equal(toStreamError('x', several()).message, 'x: KafkaJSAggregateError: Topic creation errors');
		const round = several();
		Object.assign(round, { errors: [round] });
		assert.equal(toStreamError('x', round).code, 'unavailable');
	});
	it('names the topic that a broker alone cannot hold three replicas of', async (t) => {
		const topics = await givenTopics(t);
		if (topics === null) return;
		const wanted = {
			topicPrefix: `${topics.prefix}more.`,
			partitions: 1,
			replicationFactor: 15,
			minInsyncReplicas: 2,
			traceRetentionMs: dayMs,
			sessionRetentionMs: dayMs,
			retentionMsMin: 0,
		};
		await assert.rejects(
			applyPlan({ brokers: topics.brokers }, planTopics(wanted, [], { mend: false })),
			new RegExp(`INVALID_REPLICATION_FACTOR: ${topics.prefix}more\\.[a-z]+: `),
		);
	});
});
