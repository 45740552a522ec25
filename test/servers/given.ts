// The servers that `npm test` gives to all tests. A test file of its own servers uses kafka.ts and redis.ts instead.
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';

export interface GivenServers {
	/** host:port, comma-separated. */
	brokers: string;
	redisUrl: string;
	/** Of this test alone: prefix of its topics, groups and keys. */
	prefix: string;
}

/** Skips the test, saying what is missing, and gives null where there is no Kafka or no Redis. */
export function givenServers(t: Pick<TestContext, 'skip'>): GivenServers | null {
	const { KAFKA_BROKERS: brokers, REDIS_URL: redisUrl } = process.env;
	const missing: string[] = [];
	if (!brokers) missing.push(`KAFKA_BROKERS is not set${because(process.env.AFFIDAVIT_KAFKA_MISSING)}`);
	if (!redisUrl) missing.push(`REDIS_URL is not set${because(process.env.AFFIDAVIT_REDIS_MISSING)}`);
	if (!brokers || !redisUrl) {
		t.skip(`${missing.join('; ')} (npm test starts both)`);
		return null;
	}
	return { brokers, redisUrl, prefix: `test-${randomBytes(4).toString('hex')}.` };
}

const because = (missing: string | undefined): string => (missing ? `: ${missing}` : '');
