// What a replay looks back on: the fleet's topics, or the log that `affidavit up` writes. Read with no group and no offset of a
// group; nothing of it is changed.
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import type { ResolveKey } from '@affidavit/model/batch-signature.ts';
import { hostKeysCodec } from '@affidavit/model/codec.ts';
import { createHostDirectory } from '@affidavit/model/host-directory.ts';
import { openReadOnlyLog, type ReadOnlyLog } from '@affidavit/stream/embedded/read-only-log.ts';
import { StreamError } from '@affidavit/stream/errors.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { LogRecord, Topic } from '@affidavit/stream/ports.ts';
import { createKeyedSeals } from '@affidavit/stream/seal/keyed-seals.ts';
import { refusalOf } from '@affidavit/stream/seal/refusal.ts';
import type { Seals } from '@affidavit/stream/seal/seal.ts';
import type { Config } from '../config/schema.ts';
import { CliError } from '../errors.ts';
import { readHosts } from '../hosts/topic.ts';
import { keyPaths } from '../keys/store.ts';
import { readLogConnection } from '../service/open-fleet.ts';
import { outlast } from '../service/outlast.ts';
import { sealersOf } from '../service/sealers.ts';
import type { Environment } from '../service/secrets.ts';
import { readTrustedKeys } from '../service/trusted-keys.ts';
import { readPublicKeys } from '../verify/inputs.ts';

export type PastLog = Omit<ReadOnlyLog, 'close'>;

export interface Past {
	log: PastLog;
	/** null where the log has one writer only. */
	seals: Seals | null;
	/** Which key a host may sign with, and could then. */
	resolveKey: ResolveKey;
	resolveTickKey: (keyId: string) => KeyObject | undefined;
	/** In words, for messages: where it is. */
	name: string;
	close(): Promise<void>;
}

export interface PastOptions {
	config: Config;
	env: Environment;
	emit: Emit;
	signal: AbortSignal;
}

const fleetTopics: readonly Topic[] = ['trace', 'host', 'verdict', 'attestation'];

/** null when the signal aborted first. Throws CliError: config, file-missing (there is no log). */
export const openPast = (options: PastOptions): Promise<Past | null> =>
	options.config.kafka.brokers.length === 0 ? openOwn(options.config) : openFleet(options);

async function openOwn({ dataDir }: Config): Promise<Past> {
	const folder = join(dataDir, 'live');
	const log = openReadOnlyLog(folder);
	if (log === null)
		throw new CliError(
			'file-missing',
			`${folder}: no log: \`affidavit up\` writes one; of a recorded file there is none, \`affidavit process\` reads it again`,
		);
	try {
		// One machine: every batch is this agent's own.
		const [own] = await readPublicKeys([keyPaths(join(dataDir, 'keys'), 'host').publicKeyPath]);
		const resolveKey: ResolveKey = (_host, keyId) => (keyId === own?.keyId ? own.key : undefined);
		return { log, seals: null, resolveKey, resolveTickKey: () => undefined, name: folder, close: log.close };
	} catch (error) {
		await log.close();
		throw error;
	}
}

async function openFleet({ config, env, emit, signal }: PastOptions): Promise<Past | null> {
	const trusted = await readTrustedKeys(config.service.trustedDir);
	const connection = await readLogConnection({ config, role: 'replay', topics: fleetTopics, env, emit, signal });
	const fleet = await connection.openLog();
	if (fleet === null) return null;
	try {
		const patience = { emit, signal, random: Math.random };
		const log = patient(fleet.log, patience);
		const seals = createKeyedSeals({ own: null, resolve: sealersOf(trusted, null) });
		const directory = createHostDirectory();
		const all = await outlast('kafka', () => readHosts({ log: fleet.log, seals }), patience);
		for (const keys of all?.hosts ?? []) directory.take({ key: keys.host, value: hostKeysCodec.encode(keys) });
		return {
			log,
			seals,
			resolveKey: directory.resolve,
			resolveTickKey: (keyId) => {
				const key = trusted.get(keyId);
				return key?.name === 'correlate' ? key.publicKey : undefined;
			},
			name: `topics ${config.kafka.topicPrefix}*`,
			close: fleet.close,
		};
	} catch (error) {
		await fleet.close();
		throw error;
	}
}

/** An away broker is waited for. */
function patient(log: PastLog, patience: Parameters<typeof outlast>[2]): PastLog {
	const wait = async <T>(run: () => Promise<T>): Promise<T> => {
		const answer = await outlast('kafka', run, patience);
		if (answer === null) throw new StreamError('unavailable', 'interrupted while the brokers were away');
		return answer;
	};
	return {
		partitions: log.partitions,
		read: (topic, partition, offset, max) => wait(() => log.read(topic, partition, offset, max)),
		bounds: (topic, partition) => wait(() => log.bounds(topic, partition)),
		offsetAt: (topic, partition, timeUs) => wait(() => log.offsetAt(topic, partition, timeUs)),
	};
}

const page = { records: 500, bytes: 4 * 1024 ** 2 };

/** Records of [from, to) that their origin wrote, in order; a copy may come twice. */
export async function* readPast(
	{ log, seals }: Pick<Past, 'log' | 'seals'>,
	topic: Topic,
	partition: number,
	from: number,
	to: number,
	signal?: AbortSignal,
): AsyncGenerator<LogRecord> {
	for (let at = from; at < to && !signal?.aborted; ) {
		const records = await log.read(topic, partition, at, page);
		for (const record of records) {
			if (record.offset >= to) return;
			at = record.offset + 1;
			if (refusalOf(log, seals ?? undefined, record) === null) yield record;
		}
		if (records.length === 0) return;
	}
}
