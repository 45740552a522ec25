// The broker goes away while an agent watches a live export. With room in the spool nothing is lost; with a full one, what
// Tetragon rotates away meanwhile is, and the session says so. FAULTS_OUTAGE_MS=180000 by hand; a few seconds else.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { verdictCodec } from '@affidavit/model/codec.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import { readTopic } from '@affidavit/stream/runner/read-topic.ts';
import { startReceiver } from '../../services/detect/test/alert/receiver.ts';
import { processFiles, type SessionObject, temporaryFolder } from '../e2e/affidavit.ts';
import { type LiveExport, liveExport } from '../e2e/live-export.ts';
import { makeHosts, type SimulatedFleet, type SimulatedHost } from '../fleet/hosts.ts';
import { backSoon, type KafkaServer, startKafka } from '../servers/kafka.ts';
import { startRedis } from '../servers/redis.ts';
import { MissingTool } from '../servers/tools.ts';
import type { FleetChild } from './child.ts';
import { seenEvents } from './seen.ts';
import { type FleetWorld, openFleetWorld, type WorldSettings } from './world.ts';

const outageMs = Number(process.env['FAULTS_OUTAGE_MS'] ?? 5_000);
const waitMsMax = 100_000;

interface Scene {
	world: FleetWorld;
	kafka: KafkaServer;
	host: SimulatedHost;
	simulated: SimulatedFleet;
	live: LiveExport;
	agent: FleetChild;
	verdict(): Promise<Verdict>;
}

interface SceneOptions {
	stream: string;
	/** How many times faster than recorded. */
	speed: number;
	/** Lines after which the export file is rotated. */
	rotations: readonly number[];
	agent: WorldSettings;
}

async function openScene(
	t: TestContext,
	{ stream, speed, rotations, agent: agentSettings }: SceneOptions,
): Promise<Scene | null> {
	const folder = temporaryFolder(t);
	const stack = new AsyncDisposableStack();
	t.after(() => stack.disposeAsync());
	let kafka: KafkaServer;
	let redis: Awaited<ReturnType<typeof startRedis>>;
	try {
		kafka = stack.use(await startKafka({ properties: backSoon }));
		redis = stack.use(await startRedis());
	} catch (error) {
		if (!(error instanceof MissingTool) || process.env['REQUIRE_SERVERS'] === '1') throw error;
		t.skip(error.message);
		return null;
	}
	const webhook = stack.use(await startReceiver());
	const made = makeHosts(join(folder, 'hosts'), [stream]);
	// The live export keeps the recorded host's name.
	const host = { ...(made.hosts[0] as SimulatedHost), name: 'tetravm' };
	const simulated = { ...made, hosts: [host] };
	const plan = {
		seed: 0,
		partitions: 2,
		workers: { correlate: 1, detect: 1, sign: 1, alert: 0 },
		agentStartsMs: [],
		faults: [],
	};
	const settings = { skewMsMax: 2_500, graceMs: 1_000, agent: { cpuShare: 1, ...agentSettings } };
	const world = await openFleetWorld(join(folder, 'world'), plan, simulated, { kafka, redis, webhook }, settings);
	stack.defer(() => world.close());
	const live = liveExport(join(folder, 'export'), stream, speed, rotations);
	const children = [...(['correlate', 'detect', 'sign'] as const).map((service) => world.newWorker(service))];
	const agent = world.newAgent(host, live.path);
	children.push(agent);
	stack.defer(async () => void (await Promise.all(children.map((child) => child.kill9()))));
	for (const child of children.slice(0, -1)) child.start();
	for (const child of children.slice(0, -1)) await told(child, 'ready');
	await live.playTo(0.001);
	agent.start();
	await told(agent, 'started');
	return { world, kafka, host, simulated, live, agent, verdict: () => verdictOf(world) };
}

async function told(child: FleetChild, event: string): Promise<void> {
	for (let waited = 0; waited < waitMsMax; waited += 50) {
		if (child.news().some((news) => news['event'] === event)) return;
		await sleep(50);
	}
	throw new Error(`${child.name}: never told that it is ${event}`);
}

/** Waits for the first. */
async function verdictOf({ log, seals }: FleetWorld): Promise<Verdict> {
	const untilMs = performance.now() + waitMsMax;
	while (performance.now() < untilMs) {
		for (let partition = 0; partition < log.partitions('verdict'); partition++)
			for await (const { value } of readTopic(log, 'verdict', partition, seals)) return verdictCodec.decode(value);
		await sleep(250);
	}
	throw new Error('no verdict');
}

/** What must not depend on the host's boot id and the files' ends. */
const essence = ({ verdict, findings, completeness }: Verdict | SessionObject) => ({
	verdict,
	findings: findings.map(({ rule, severity, path, digest }) => ({ rule, severity, path, digest })),
	gaps: completeness.gaps.map(({ cause }) => cause),
});

test('the broker is away while an agent watches: the spool takes it, and nothing is lost', async (t) => {
	const scene = await openScene(t, {
		stream: '07-net-foreign',
		// Recorded: 53 s. Half of it falls into the outage.
		speed: 53_000 / (2 * outageMs + 2_000),
		rotations: [1180],
		agent: {},
	});
	if (!scene) return;
	const { live, kafka, world, simulated } = scene;
	await live.playTo(0.25);
	await kafka.kill9();
	const outage = sleep(outageMs).then(() => kafka.start());
	await live.playTo(1);
	await outage;
	const verdict = await scene.verdict();
	const { sessions } = await processFiles(t, live.files(), {
		repos: { ...simulated.repositories },
		extra: ['--config', join(world.folder, 'agent.json')],
	});
	assert.equal(sessions.length, 1);
	assert.deepEqual(essence(verdict), essence(sessions[0] as SessionObject));
	assert.equal(verdict.completeness.lostEvents, 0);
	const seen = seenEvents(world.logs);
	// A broker that is back within the append's own time is waited for there, and the forwarder hears nothing of it.
	const delayed = seen.has('forward_delayed unavailable') && seen.has('forward_resumed acknowledged');
	assert.ok(delayed || seen.has('kafka_appends_repeated unavailable'), [...seen.keys()].join());
});

test('the spool is full while the broker is away: what is lost is counted, and the session incomplete', async (t) => {
	// Of some 900 kB of batches the spool takes 384 while the broker is away. The third file comes and goes while nothing is read.
	const scene = await openScene(t, {
		stream: '04-c-make',
		speed: 8,
		rotations: [5_800, 6_200, 6_600],
		agent: { spoolBytesMax: 512 * 1024 },
	});
	if (!scene) return;
	const { live, kafka, world } = scene;
	await live.playTo(0.15);
	await kafka.kill9();
	await live.playTo(0.75);
	for (const file of live.files().slice(0, -1)) rmSync(file);
	await sleep(1_000);
	await kafka.start();
	await live.playTo(1);
	const { verdict, completeness } = await scene.verdict();
	assert.equal(verdict, 'incomplete');
	assert.ok(completeness.gaps.length > 0, JSON.stringify(completeness));
	const seen = seenEvents(world.logs);
	for (const event of ['publish_delayed log-full', 'export_gap rotated-away'])
		assert.ok(seen.has(event), `${event}: not seen in ${[...seen.keys()].sort().join(', ')}`);
});
