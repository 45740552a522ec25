// Kafka's jars by Maven (43 MB, once a version and checkout), and a formatted data folder to start every broker from.
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findTool, MissingTool, runTool } from './tools.ts';

const here = import.meta.dirname;
const cache = join(here, '../../node_modules/.cache/affidavit-kafka');
const fetchMsMax = 10 * 60_000;
const formatMsMax = 120_000;
const mavenPlugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

export interface KafkaFiles {
	java: string;
	/** Folder of the jars. */
	jars: string;
	/** `log.dirs` as the storage tool leaves it, for node 1; to be copied. */
	formatted: string;
}

/** Throws MissingTool when there is no Java, or no Maven for the first fetch. */
export async function kafkaFiles(version: string): Promise<KafkaFiles> {
	const java = findTool('java');
	if (java === null) throw new MissingTool('java is not on the PATH: Kafka needs a Java runtime, 17 or newer');
	const folder = join(cache, version);
	const files = { java, jars: join(folder, 'jars'), formatted: join(folder, 'formatted') };
	if (existsSync(folder)) return files;
	const maven = findTool('mvn');
	if (maven === null)
		throw new MissingTool(`mvn is not on the PATH: the jars of Kafka ${version} come from Maven the first time`);
	mkdirSync(cache, { recursive: true });
	// Made aside and renamed when whole: test processes may fetch at the same time, and any of them may die.
	const making = mkdtempSync(join(cache, 'making-'));
	try {
		await fetchJars(maven, version, making);
		await format(java, making);
		renameSync(making, folder);
	} catch (error) {
		rmSync(making, { recursive: true, force: true });
		if (!existsSync(folder)) throw error;
	}
	return files;
}

async function fetchJars(maven: string, version: string, making: string): Promise<void> {
	const pom = join(making, 'pom.xml');
	copyFileSync(join(here, 'kafka/pom.xml'), pom);
	const args = ['-B', '-q', '-ntp', '-f', pom, mavenPlugin];
	args.push(`-Dkafka.version=${version}`, `-DoutputDirectory=${join(making, 'jars')}`, '-DincludeScope=runtime');
	try {
		await runTool(maven, args, fetchMsMax);
	} catch (error) {
		throw new MissingTool(`Kafka ${version} could not be fetched with Maven: ${(error as Error).message}`, error);
	}
}

async function format(java: string, making: string): Promise<void> {
	const properties = join(making, 'format.properties');
	writeFileSync(
		properties,
		`process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:1
listeners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:1
controller.listener.names=CONTROLLER
log.dirs=${join(making, 'formatted')}
`,
	);
	const classPath = join(making, 'jars', '*');
	const tool = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', classPath, 'kafka.tools.StorageTool'];
	await runTool(java, [...tool, 'format', '-t', clusterId, '-c', properties], formatMsMax);
}

/** Any 16 bytes in base64url: brokers of different tests never meet. */
const clusterId = 'YWZmaWRhdml0LXRlc3Rz';

/** A data folder of its own for one broker. */
export const copyFormatted = (files: KafkaFiles, to: string): void => cpSync(files.formatted, to, { recursive: true });
