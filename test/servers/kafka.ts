// A real Kafka broker (one node, KRaft) on a free loopback port, in a temporary folder.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { freePorts } from './free-port.ts';
import { guardedFolder, removeFolder } from './guard.ts';
import { copyFormatted, kafkaFiles } from './kafka-jars.ts';
import { type ServerProcess, serverProcess } from './server-process.ts';

export const kafkaVersion = '4.4.0';

export interface KafkaOptions {
	/** Default `kafkaVersion`. */
	version?: string;
	/** Default: a free one; the next one is the controller's. */
	port?: number;
	/** Over the defaults below: server.properties. */
	properties?: Readonly<Record<string, string | number>>;
	/** `short`: half a second less to start, by C1 alone. `long`: for benchmarks. Default `short`. */
	life?: 'short' | 'long';
	/** Default 512. */
	heapMb?: number;
}

/** For a broker that a test kills: the controller takes it back only when its old session has ended, after 9 s by default. */
export const backSoon = { 'broker.session.timeout.ms': 2_000, 'broker.heartbeat.interval.ms': 400 } as const;

export interface KafkaServer extends ServerProcess {
	/** host:port, for KAFKA_BROKERS. */
	brokers: string;
	port: number;
	folder: string;
	logFile: string;
	/** Stops it and removes its folder. */
	[Symbol.asyncDispose](): Promise<void>;
}

/** A machine under load may take minutes; only a broken one takes longer. */
const readyMsMax = 180_000;
const readyTopic = 'affidavit-ready';

/** Started and ready: it has led a partition, taken a record and answered for a consumer group. Throws MissingTool. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
	const files = await kafkaFiles(options.version ?? kafkaVersion);
	const port = options.port ?? (await freePorts(2));
	const folder = guardedFolder('kafka');
	copyFormatted(files, join(folder, 'data'));
	const properties = join(folder, 'server.properties');
	writeFileSync(properties, propertiesText(folder, port, options.properties ?? {}));
	const brokers = `127.0.0.1:${port}`;
	const logFile = join(folder, 'broker.log');
	const heap = [`-Xms128m`, `-Xmx${options.heapMb ?? 512}m`];
	const compiler = options.life === 'long' ? [] : ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
	const server = serverProcess({
		name: 'Kafka',
		command: files.java,
		args: [...heap, ...compiler, '-cp', join(files.jars, '*'), 'kafka.Kafka', properties],
		cwd: folder,
		logFile,
		isReady: () => isReady(brokers),
		readyMsMax,
	});
	const dispose = async (): Promise<void> => {
		await server.kill9();
		removeFolder(folder);
	};
	try {
		await server.start();
	} catch (error) {
		await dispose();
		throw error;
	}
	return { ...server, brokers, port, folder, logFile, [Symbol.asyncDispose]: dispose };
}

function propertiesText(folder: string, port: number, own: Readonly<Record<string, string | number>>): string {
	const properties = {
		'process.roles': 'broker,controller',
		'node.id': 1,
		'controller.quorum.voters': `1@127.0.0.1:${port + 1}`,
		listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}`,
		'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
		'controller.listener.names': 'CONTROLLER',
		'inter.broker.listener.name': 'PLAINTEXT',
		'log.dirs': join(folder, 'data'),
		'auto.create.topics.enable': 'false',
		// One broker: every internal topic has one copy, and few partitions start fast.
		'offsets.topic.num.partitions': 4,
		'offsets.topic.replication.factor': 1,
		'transaction.state.log.num.partitions': 4,
		'transaction.state.log.replication.factor': 1,
		'transaction.state.log.min.isr': 1,
		'share.coordinator.state.topic.replication.factor': 1,
		'share.coordinator.state.topic.min.isr': 1,
		'group.initial.rebalance.delay.ms': 0,
		// A group whose member was killed moves on soon.
		'group.min.session.timeout.ms': 1_000,
		...own,
	};
	return Object.entries(properties)
		.map(([name, value]) => `${name}=${value}\n`)
		.join('');
}

/** An open port is not a ready broker: a topic, a record and a group coordinator are. */
async function isReady(brokers: string): Promise<boolean> {
	const kafka = new Kafka({
		brokers: [brokers],
		clientId: 'affidavit-ready',
		logLevel: logLevel.NOTHING,
		connectionTimeout: 1_000,
		requestTimeout: 5_000,
		retry: { retries: 0 },
	});
	const admin = kafka.admin();
	const producer = kafka.producer();
	try {
		await admin.connect();
		if (!(await admin.listTopics()).includes(readyTopic))
			await admin.createTopics({ topics: [{ topic: readyTopic, numPartitions: 1 }] });
		await producer.connect();
		await producer.send({ topic: readyTopic, acks: -1, messages: [{ value: 'ready' }] });
		await admin.fetchOffsets({ groupId: readyTopic, topics: [readyTopic] });
		return true;
	} finally {
		await Promise.allSettled([producer.disconnect(), admin.disconnect()]);
	}
}
