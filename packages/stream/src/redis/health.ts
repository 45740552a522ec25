// Whether the servers can be trusted with state, and how full they are.
import type { Redis } from 'ioredis';
import { StreamError } from '../errors.ts';
import type { Connection } from './connection.ts';

export interface RedisStats {
	/** Of all servers that hold keys. */
	memoryBytes: number;
	/** 0: a server has no bound. */
	memoryBytesMax: number;
	keys: number;
}

/** Rejects with StreamError: unavailable, refused, or store-unfit when the server would throw keys away to make room. */
export async function checkServers(connection: Connection): Promise<void> {
	for (const server of await serversOf(connection)) {
		const info = await readInfo(connection, server);
		const policy = info.get('maxmemory_policy') ?? 'unknown';
		if (policy !== 'noeviction')
			throw new StreamError(
				'store-unfit',
				`redis: maxmemory-policy is ${policy}, expected noeviction: the server would drop state without a word`,
			);
		const role = info.get('role');
		if (role !== 'master')
			throw new StreamError('unavailable', `redis: connected to a ${role ?? 'server without role'}`);
	}
}

export async function readStats(connection: Connection): Promise<RedisStats> {
	const stats: RedisStats = { memoryBytes: 0, memoryBytesMax: 0, keys: 0 };
	let isBounded = true;
	for (const server of await serversOf(connection)) {
		const info = await readInfo(connection, server);
		const max = numberOf(info.get('maxmemory'));
		stats.memoryBytes += numberOf(info.get('used_memory'));
		stats.memoryBytesMax += max;
		isBounded = isBounded && max > 0;
		stats.keys += await connection.answer('stats', server.dbsize());
	}
	if (!isBounded) stats.memoryBytesMax = 0;
	return stats;
}

async function serversOf(connection: Connection): Promise<readonly Redis[]> {
	const servers = connection.masters();
	if (servers.length === 0) throw new StreamError('unavailable', 'redis: no server of the cluster is known yet');
	return servers;
}

async function readInfo(connection: Connection, server: Redis): Promise<Map<string, string>> {
	const [memory, replication] = await connection.answer(
		'check',
		Promise.all([server.info('memory'), server.info('replication')]),
	);
	const fields = new Map<string, string>();
	for (const line of `${memory}\r\n${replication}`.split('\r\n')) {
		const colon = line.indexOf(':');
		if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1));
	}
	return fields;
}

const numberOf = (text: string | undefined): number => {
	const value = Number(text);
	return Number.isFinite(value) ? value : 0;
};
