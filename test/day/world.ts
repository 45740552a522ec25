// The day's fleet: servers of its own, topics, enrolled hosts, and one process for each service.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { changeHost } from '@affidavit/cli/hosts/topic.ts';
import { type KafkaLog, openKafkaLog } from '@affidavit/stream/kafka/log.ts';
import { withAdmin } from '@affidavit/stream/kafka/topics.ts';
import { topics } from '@affidavit/stream/topics.ts';
import { type Receiver, secret, startReceiver } from '../../services/detect/test/alert/receiver.ts';
import { type FleetChild, fleetChild, lastWords } from '../faults/child.ts';
import { patiently } from '../faults/patiently.ts';
import { directoryOf, type FleetKeys, fleetKeys, newKey, type TestKey } from '../fleet/keys.ts';
import { makeTopics } from '../fleet/topics.ts';
import { type KafkaServer, startKafka } from '../servers/kafka.ts';
import { type RedisServer, startRedis } from '../servers/redis.ts';
import type { Builds } from './builds.ts';
import type { DaySettings } from './day.ts';
import type { HeapNews } from './live-heap.ts';

export const serviceNames = ['correlate', 'detect', 'sign', 'alert'] as const;
export type ServiceName = (typeof serviceNames)[number];

export interface DayWorld extends AsyncDisposable {
	log: KafkaLog;
	hostKey: TestKey;
	/** The newest of each service since the last call. */
	heaps(): Map<ServiceName, HeapNews>;
	/** Of the services' inputs that are not taken yet; NaN for a service that does not answer. */
	lagRecords(): Promise<Map<ServiceName, number>>;
	redis(): Promise<{ memoryBytes: number; keys: number }>;
	/** Removes from topic `trace` what no service would read again. */
	trim(): Promise<void>;
	/** In words, of a service that has ended by itself. */
	ended(): string | null;
}

const partitions = 4;
const prefix = 'day.';
/** As in the units and manifests of compose/. */
const heapFlag = '--max-semi-space-size=64';
const readyMsMax = 120_000;

export async function openDayWorld(
	folder: string,
	settings: DaySettings,
	builds: Builds,
	hosts: readonly string[],
): Promise<DayWorld> {
	const opened = new AsyncDisposableStack();
	try {
		const kafka = opened.use(await startKafka({ life: 'long', heapMb: 512 }));
		const redis = opened.use(await startRedis({ aof: 'off' }));
		const receiver = opened.use(await startReceiver());
		await makeTopics(kafka.brokers, prefix, partitions);
		const hostKey = newKey();
		const { publicKey, keyId } = hostKey;
		const keys = fleetKeys(directoryOf(hosts.map((name) => ({ name, publicKey, keyId }))));
		writeKeys(folder, keys);
		const log = await openKafkaLog({ brokers: [kafka.brokers], topicPrefix: prefix, topics });
		opened.defer(() => log.close());
		await enroll(log, keys, hostKey, hosts);
		const services = startServices(folder, settings, builds, { kafka, redis, receiver });
		opened.defer(async () => {
			await Promise.all([...services.values()].map((service) => service.terminate()));
		});
		const ended = (): string | null => {
			for (const [name, service] of services)
				if (service.ownEnd() !== null) return `${name} has ended by itself: ${lastWords(join(folder, `${name}.log`))}`;
			return null;
		};
		await allReady(services, ended);
		writeFileSync(begunFile(folder), '');
		const kept = opened.move();
		const read = new Map<ServiceName, number>();
		return {
			log,
			hostKey,
			ended,
			heaps: () => {
				const newest = new Map<ServiceName, HeapNews>();
				for (const [name, service] of services) {
					const news = service.news();
					for (const one of news.slice(read.get(name) ?? 0))
						if (one['event'] === 'live-heap') newest.set(name, one as unknown as HeapNews);
					read.set(name, news.length);
				}
				return newest;
			},
			lagRecords: async () => {
				const lags = new Map<ServiceName, number>();
				for (const [name, service] of services)
					lags.set(name, sumOf(await metricsOf(service), 'affidavit_lag_records'));
				return lags;
			},
			redis: async () => {
				// The detector has no lists of its own to count: any service tells the same of the one server.
				const page = await metricsOf(services.get('correlate') as FleetChild);
				return {
					memoryBytes: sumOf(page, 'affidavit_redis_memory_bytes'),
					keys: sumOf(page, 'affidavit_redis_keys'),
				};
			},
			trim: () => trimTrace(kafka, log),
			[Symbol.asyncDispose]: () => kept.disposeAsync(),
		};
	} catch (error) {
		await opened.disposeAsync();
		throw error;
	}
}

function writeKeys(folder: string, keys: FleetKeys): void {
	const trusted = join(folder, 'trusted');
	mkdirSync(trusted, { recursive: true });
	for (const [name, { privateKey, publicKey }] of Object.entries(keys.services)) {
		const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
		writeFileSync(join(folder, `${name}.pem`), pem, { mode: 0o600 });
		writeFileSync(join(trusted, `${name}.pub.pem`), publicKey.export({ type: 'spki', format: 'pem' }));
	}
	const signing = keys.services.sign.privateKey.export({ type: 'pkcs8', format: 'pem' });
	writeFileSync(join(folder, 'signing.pem'), signing, { mode: 0o600 });
	writeFileSync(join(folder, 'webhook.secret'), secret, { mode: 0o600 });
}

async function enroll(log: KafkaLog, keys: FleetKeys, hostKey: TestKey, hosts: readonly string[]): Promise<void> {
	const topic = { log, seals: keys.seals(keys.services.operator) };
	const publicKeyPem = hostKey.publicKey.export({ type: 'spki', format: 'pem' }).toString();
	const key = { keyId: hostKey.keyId, publicKeyPem, validFromUs: 0, validToUs: -1, enrolledBy: 'test' };
	for (const name of hosts)
		await patiently(() => changeHost(topic, name, { kind: 'enroll', key }, Date.now(), Math.random));
}

function startServices(
	folder: string,
	settings: DaySettings,
	builds: Builds,
	servers: { kafka: KafkaServer; redis: RedisServer; receiver: Receiver },
): Map<ServiceName, FleetChild> {
	const indicatorsFile = join(folder, 'indicators.txt');
	writeFileSync(indicatorsFile, builds.indicators.map((line) => `${line}\n`).join(''));
	const services = new Map<ServiceName, FleetChild>();
	for (const name of serviceNames) {
		const config = join(folder, `${name}.json`);
		writeFileSync(config, JSON.stringify(configOf(name, folder, settings, builds, indicatorsFile, servers)));
		const preload = new URL(`live-heap.ts?everyMs=${settings.sampleMs}`, import.meta.url);
		if (settings.leak === 'heap') {
			preload.searchParams.set('leakBytes', String(leakBytesOf(settings)));
			preload.searchParams.set('leakFrom', begunFile(folder));
		}
		const args = [heapFlag, '--import', preload.href, 'cli/bin/affidavit.js', 'service', name];
		const child = fleetChild(name, [...args, '--config', config, '--json'], join(folder, `${name}.log`));
		child.start();
		services.set(name, child);
	}
	return services;
}

const begunFile = (folder: string): string => join(folder, 'begun');

/** All in all 60 MiB in each quarter. */
const leakBytesOf = ({ sampleMs, minutes }: DaySettings): number =>
	Math.round((240 * 1024 * 1024 * sampleMs) / (minutes * 60_000));

/** What lasts for a time of the wall clock lasts for a part of the first third; what lasts for event time is as it is, or shorter. */
const configOf = (
	name: ServiceName,
	folder: string,
	settings: DaySettings,
	{ repositories }: Builds,
	indicatorsFile: string,
	{ kafka, redis, receiver }: { kafka: KafkaServer; redis: RedisServer; receiver: Receiver },
): Record<string, unknown> => ({
	dataDir: join(folder, name),
	outDir: join(folder, 'attestations'),
	keyFile: join(folder, 'signing.pem'),
	repositories,
	indicators: [indicatorsFile],
	log: { level: 'warn' },
	graceMs: 60_000,
	sessionMaxMs: settings.sessionMaxMs,
	silentMs: 10_000,
	silentCloseMs: 60_000,
	factsRetentionMs: settings.leak === 'redis' ? 365 * 24 * 3_600_000 : settings.factsRetentionMs,
	kafka: { brokers: [kafka.brokers], topicPrefix: prefix, partitions, replicationFactor: 1, minInsyncReplicas: 1 },
	redis: { url: redis.url, keyPrefix: prefix },
	service: {
		keyFile: join(folder, `${name}.pem`),
		trustedDir: join(folder, 'trusted'),
		blobsDir: join(folder, 'blobs'),
	},
	webhook: { url: receiver.url, secretFile: join(folder, 'webhook.secret'), allowPrivate: true },
	ops: { port: 0 },
});

async function allReady(services: ReadonlyMap<ServiceName, FleetChild>, ended: () => string | null): Promise<void> {
	for (const until = Date.now() + readyMsMax; ; ) {
		const waiting = [...services].filter(([, { news }]) => !news().some(({ event }) => event === 'ready'));
		if (waiting.length === 0) return;
		const end = ended();
		if (end !== null) throw new Error(end);
		if (Date.now() > until) throw new Error(`not ready: ${waiting.map(([name]) => name).join(', ')}`);
		await delay(100);
	}
}

/** '' where it does not answer: the next time tells. */
async function metricsOf({ news }: FleetChild): Promise<string> {
	const url = news().find(({ event }) => event === 'listening')?.['url'];
	try {
		return await (await fetch(`${String(url)}/metrics`, { signal: AbortSignal.timeout(10_000) })).text();
	} catch {
		return '';
	}
}

function sumOf(page: string, name: string): number {
	let sum = Number.NaN;
	for (const line of page.split('\n'))
		if (line.startsWith(`${name} `) || line.startsWith(`${name}{`))
			sum = (Number.isNaN(sum) ? 0 : sum) + Number(line.slice(line.lastIndexOf(' ') + 1));
	return sum;
}

async function trimTrace(kafka: KafkaServer, log: KafkaLog): Promise<void> {
	const topic = `${prefix}trace`;
	const connection = { brokers: [kafka.brokers] };
	const lowWaters: { partition: number; offset: string }[] = [];
	for (let partition = 0; partition < log.partitions('trace'); partition++) {
		const offset = await log.lowWater('correlate', 'trace', partition);
		const { start } = await log.bounds('trace', partition);
		if (offset > start) lowWaters.push({ partition, offset: String(offset) });
	}
	if (lowWaters.length === 0) return;
	await withAdmin(connection, 'trimming', async (admin) => {
		// kafkajs knows the leaders of a topic only once it was asked for.
		await admin.fetchTopicOffsets(topic);
		await admin.deleteTopicRecords({ topic, partitions: lowWaters });
	});
}
