import { it } from 'node:test';
import { logContract } from '../contract/log.ts';
import { makeTopics } from './support.ts';

const brokers = process.env.KAFKA_BROKERS;

if (brokers)
	logContract(
		'Kafka',
		async ({ partitions }) => {
			const topics = await makeTopics(brokers.split(','), partitions);
			return { log: await topics.open(), dispose: topics.dispose };
		},
		{ bounded: false },
	);
else it('log contract: Kafka', { skip: 'KAFKA_BROKERS is not set (npm test starts one)' }, () => {});
