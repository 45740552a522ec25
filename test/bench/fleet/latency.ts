// From an event to its alert: the real services on the real servers, hosts that build at a given rate, and the log times of the
// findings. A lead is timed from the last event of its evidence; a confirmed finding from the end of its session's grace.
import { mkdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { changeHost } from '@affidavit/cli/hosts/topic.ts';
import { findingCodec } from '@affidavit/model/codec.ts';
import { decodeFactBatch } from '@affidavit/model/facts.ts';
import { openKafkaLog } from '@affidavit/stream/kafka/log.ts';
import type { Log } from '@affidavit/stream/ports.ts';
import { readTopic } from '@affidavit/stream/runner/read-topic.ts';
import { type FleetChild, fleetChild, lastWords } from '../../faults/child.ts';
import { directoryOf, type FleetKeys, fleetKeys } from '../../fleet/keys.ts';
import { makeTopics } from '../../fleet/topics.ts';
import { benchKey } from '../bench-key.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { createLiveHost, type LiveHost } from './live-hosts.ts';
import { serviceHeapFlag } from './ours.ts';
import { partitions, type Servers } from './servers.ts';
import { loadRecordings } from './workload.ts';

export interface Quantiles {
	p50: number;
	p99: number;
	count: number;
}

export interface LatencyResult {
	/** As sent. */
	eventsPerSecond: number;
	/** Milliseconds from event to the log time of the lead. */
	lead: Quantiles;
	/** Milliseconds from the end of the grace to the log time of the confirmed finding; the skew is in it. */
	confirmed: Quantiles;
	skewMs: number;
	/** CPU seconds per million events over the run, idle time included. */
	cpu: { correlate: number; detect: number };
}

const hosts = 20;
const skewMs = 10_000;
const graceMs = 1_000;
const stream = '02a-go-swap';
const tickMs = 20;

export async function benchLatency(
	servers: Servers,
	rate: { eventsPerSecond: number; seconds: number },
): Promise<LatencyResult> {
	const recording = loadRecordings().find((one) => one.stream === stream);
	if (recording === undefined) throw new Error(`no recording ${stream}`);
	const folder = temporaryFolder();
	const prefix = 'latency.';
	const { brokers } = servers.kafka;
	await makeTopics(brokers, prefix, partitions);
	const names = Array.from({ length: hosts }, (_, i) => `host-${i}`);
	const { publicKey } = benchKey;
	const keys = fleetKeys(directoryOf(names.map((name) => ({ name, publicKey, keyId: benchKey.host.keyId }))));
	const log = await openKafkaLog({ brokers: [brokers], topicPrefix: prefix });
	const services = (['correlate', 'detect'] as const).map((name) => startService(name, folder, prefix, servers, keys));
	try {
		await enroll(log, keys, names);
		await allReady(services);
		const before = await cpuOf(services);
		const startUs = Date.now() * 1000;
		const live = names.map((name) =>
			createLiveHost(name, benchKey.host, recording, rate.eventsPerSecond / hosts, startUs),
		);
		const wallMs = await send(log, live, rate.seconds, false);
		// Heartbeats move time on, to where everything is settled.
		await send(log, live, (skewMs + graceMs) / 1000 + 5, true);
		const after = await cpuOf(services);
		const events = live.reduce((sum, host) => sum + host.events(), 0);
		const latencies = await readLatencies(log);
		if (latencies.lead.count === 0 || latencies.confirmed.count === 0) throw new Error('no finding was made');
		const cpu = (i: number): number => (((after[i] ?? 0) - (before[i] ?? 0)) / events) * 1e6;
		return {
			eventsPerSecond: Math.round(events / (wallMs / 1000)),
			...latencies,
			skewMs,
			cpu: { correlate: cpu(0), detect: cpu(1) },
		};
	} catch (cause) {
		const words = services.map(({ name }) => `${name}: ${lastWords(join(folder, `${name}.log`))}`);
		throw new Error(words.join('\n'), { cause });
	} finally {
		await Promise.all(services.map((service) => service.terminate()));
		await log.close();
		await rm(folder, { recursive: true, force: true });
	}
}

function startService(
	name: 'correlate' | 'detect',
	folder: string,
	prefix: string,
	{ kafka, redis }: Servers,
	keys: FleetKeys,
): FleetChild {
	const trusted = join(folder, 'trusted');
	mkdirSync(trusted, { recursive: true });
	for (const [key, { privateKey, publicKey }] of Object.entries(keys.services)) {
		writeFileSync(join(folder, `${key}.pem`), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
		writeFileSync(join(trusted, `${key}.pub.pem`), publicKey.export({ type: 'spki', format: 'pem' }));
	}
	const config = join(folder, `${name}.json`);
	const bundle = new URL(`../../fixtures/traces/${stream}/repo.bundle`, import.meta.url).pathname;
	writeFileSync(
		config,
		JSON.stringify({
			dataDir: join(folder, name),
			skewMsMax: skewMs,
			graceMs,
			repositories: { 'example/goapp': bundle },
			log: { level: 'warn' },
			kafka: { brokers: [kafka.brokers], topicPrefix: prefix, partitions, replicationFactor: 1, minInsyncReplicas: 1 },
			redis: { url: redis.url, keyPrefix: prefix },
			service: { keyFile: join(folder, `${name}.pem`), trustedDir: trusted, blobsDir: join(folder, 'blobs') },
			ops: { port: 0 },
		}),
	);
	const child = fleetChild(
		name,
		[serviceHeapFlag, 'cli/bin/affidavit.js', 'service', name, '--config', config, '--json'],
		join(folder, `${name}.log`),
	);
	child.start();
	return child;
}

async function enroll(log: Log, keys: FleetKeys, names: readonly string[]): Promise<void> {
	const topic = { log, seals: keys.seals(keys.services.operator) };
	const publicKeyPem = benchKey.publicKey.export({ type: 'spki', format: 'pem' }).toString();
	const key = { keyId: benchKey.host.keyId, publicKeyPem, validFromUs: 0, validToUs: -1, enrolledBy: 'bench' };
	for (const name of names) await changeHost(topic, name, { kind: 'enroll', key }, Date.now(), Math.random);
}

const readyMsMax = 60_000;

async function allReady(services: readonly FleetChild[]): Promise<void> {
	for (const until = Date.now() + readyMsMax; ; ) {
		if (services.every(({ news }) => news().some(({ event }) => event === 'ready'))) return;
		if (Date.now() > until || services.some(({ ownEnd }) => ownEnd() !== null))
			throw new Error('a service is not ready');
		await delay(100);
	}
}

/** As they tell on their own ports: seconds. */
async function cpuOf(services: readonly FleetChild[]): Promise<number[]> {
	return await Promise.all(
		services.map(async ({ news }) => {
			const url = news().find(({ event }) => event === 'listening')?.['url'];
			const text = await (await fetch(`${String(url)}/metrics`)).text();
			const value = /^process_cpu_seconds_total (\S+)$/m.exec(text)?.[1];
			if (value === undefined) throw new Error('a service tells no process_cpu_seconds_total');
			return Number(value);
		}),
	);
}

/** All hosts from here, each in its own order; returns how long it took, milliseconds. */
async function send(log: Log, live: readonly LiveHost[], seconds: number, resting: boolean): Promise<number> {
	const started = performance.now();
	let waiting: Promise<unknown> = Promise.resolve();
	for (;;) {
		const elapsed = performance.now() - started;
		if (elapsed > seconds * 1000) break;
		const nowUs = Date.now() * 1000;
		const records = live.flatMap((host) => host.due(nowUs, resting));
		// One append after the other keeps the order; the next tick takes what came meanwhile.
		await waiting;
		waiting = records.length > 0 ? log.append(records) : Promise.resolve();
		await delay(tickMs);
	}
	await waiting;
	return performance.now() - started;
}

async function readLatencies(log: Log): Promise<Pick<LatencyResult, 'lead' | 'confirmed'>> {
	const endUs = new Map<string, number>();
	for (let partition = 0; partition < log.partitions('session'); partition++)
		for await (const { key, value } of readTopic(log, 'session', partition)) {
			const { closed } = decodeFactBatch(value).facts;
			if (closed) endUs.set(key, closed.timeUs);
		}
	const leads: number[] = [];
	const confirmed: number[] = [];
	for (let partition = 0; partition < log.partitions('finding'); partition++)
		for await (const { key, value, timestampUs } of readTopic(log, 'finding', partition)) {
			const finding = findingCodec.decode(value);
			const closedUs = endUs.get(key);
			if (finding.state === 'lead') leads.push((timestampUs - finding.lastUs) / 1000);
			else if (finding.state === 'confirmed' && closedUs !== undefined)
				confirmed.push((timestampUs - closedUs) / 1000 - graceMs);
		}
	return { lead: quantiles(leads), confirmed: quantiles(confirmed) };
}

function quantiles(values: readonly number[]): Quantiles {
	const sorted = [...values].sort((a, b) => a - b);
	const at = (q: number): number =>
		Math.round(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? -1);
	return { p50: at(0.5), p99: at(0.99), count: sorted.length };
}
