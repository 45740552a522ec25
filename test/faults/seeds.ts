// Seeds one after the other, on one Kafka and one Redis of their own.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startReceiver } from '../../services/detect/test/alert/receiver.ts';
import { expectedSessions } from '../fleet/expected.ts';
import { makeHosts, streamsOf } from '../fleet/hosts.ts';
import { backSoon, startKafka } from '../servers/kafka.ts';
import { startRedis } from '../servers/redis.ts';
import { playSeed, type SeedResult } from './seed.ts';

export interface SeedRange {
	start: number;
	seeds: number;
	hosts: number;
	/** Keeps what passing seeds leave, too. */
	keep?: boolean;
	told?: (result: SeedResult) => void;
}

export interface SeedsPlayed {
	results: SeedResult[];
	/** What failing seeds left; null when there is none. */
	kept: string | null;
}

/** Throws MissingTool when Kafka or Redis cannot be had. */
export async function playSeeds({
	start,
	seeds,
	hosts,
	keep = false,
	told = () => {},
}: SeedRange): Promise<SeedsPlayed> {
	const folder = mkdtempSync(join(tmpdir(), 'affidavit-faults-'));
	const simulated = makeHosts(join(folder, 'hosts'), streamsOf(hosts));
	const [webhook, kafka, redis, expected] = await Promise.all([
		startReceiver(),
		startKafka({ properties: backSoon }),
		startRedis({ aof: 'everysec' }),
		expectedSessions(simulated),
	]);
	const results: SeedResult[] = [];
	try {
		for (let seed = start; seed < start + seeds; seed++) {
			const result = await playSeed(seed, { simulated, expected, servers: { kafka, redis, webhook }, folder, keep });
			results.push(result);
			told(result);
		}
	} finally {
		await Promise.all([kafka[Symbol.asyncDispose](), redis[Symbol.asyncDispose](), webhook[Symbol.asyncDispose]()]);
	}
	const isWell = !keep && results.every((result) => result.differences.length === 0);
	if (isWell) rmSync(folder, { recursive: true, force: true });
	return { results, kept: isWell ? null : folder };
}
