// Topic `host` of the fleet, or of the embedded log that `affidavit up` works on.
import { join } from 'node:path';
import { openEmbeddedLog } from '@affidavit/stream/embedded/log.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import { createKeyedSeals } from '@affidavit/stream/seal/keyed-seals.ts';
import type { Config } from '../config/schema.ts';
import { readLogConnection } from '../service/open-fleet.ts';
import { sealersOf } from '../service/sealers.ts';
import type { Environment } from '../service/secrets.ts';
import { readServiceKey } from '../service/service-key.ts';
import { checkOwnTrust, readTrustedKeys } from '../service/trusted-keys.ts';
import type { HostsTopic } from './topic.ts';

export interface OpenHostsTopic extends HostsTopic {
	close(): Promise<void>;
}

export interface HostsTopicOptions {
	config: Config;
	env: Environment;
	emit: Emit;
	/** True: records are sealed with the operator's key. */
	write: boolean;
	signal: AbortSignal;
}

/** null when the signal aborted first. Throws CliError on a wrong configuration or key, StreamError log-locked while `up` runs. */
export async function openHostsTopic(options: HostsTopicOptions): Promise<OpenHostsTopic | null> {
	const { config, env, emit, signal } = options;
	if (config.kafka.brokers.length === 0) return openEmbedded(config, emit);
	const trusted = await readTrustedKeys(config.service.trustedDir);
	const own = options.write ? await readServiceKey(config, 'operator') : null;
	if (own !== null) checkOwnTrust(trusted, own, 'operator', config.service.trustedDir);
	const seals = createKeyedSeals({ own, resolve: sealersOf(trusted, null) });
	const connection = await readLogConnection({ config, role: 'operator', topics: ['host'], env, emit, signal });
	const fleet = await connection.openLog();
	return fleet === null ? null : { log: fleet.log, seals, close: fleet.close };
}

function openEmbedded(config: Config, emit: Emit): OpenHostsTopic {
	const { partitions, dataDir, limits } = config;
	const log = openEmbeddedLog({
		folder: join(dataDir, 'live'),
		maxBytes: limits.logBytesMax,
		partitions: {
			trace: partitions,
			session: partitions,
			finding: partitions,
			verdict: partitions,
			attestation: partitions,
		},
		emit,
	});
	return { log, seals: undefined, close: () => log.close() };
}
