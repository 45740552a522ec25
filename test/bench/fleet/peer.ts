// The Kafka Streams side: its topics filled, its program built by Maven once and run against the benchmark's broker.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryFolder } from '../temporary-folder.ts';
import type { CpuSeconds } from './result.ts';
import { perMillion } from './result.ts';
import { partitions, type Servers } from './servers.ts';
import { type Work, writePeerEvents } from './workload.ts';

const run = promisify(execFile);
const folder = fileURLToPath(new URL('streams/', import.meta.url));
const copyDependencies = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

export interface PeerRun {
	cpu: CpuSeconds;
	eventsPerSecond: number;
	sessions: number;
}

/** Compiles the peer and fetches its jars where that was not done; rejects with what is missing. */
export async function buildPeer(): Promise<void> {
	const args = ['-B', '-q', '-ntp', 'compile'];
	const fetched = existsSync(join(folder, 'target/lib'));
	if (!fetched) args.push(copyDependencies, '-DoutputDirectory=target/lib', '-DincludeScope=runtime');
	try {
		await run('mvn', args, { cwd: folder });
	} catch (cause) {
		throw new Error(
			'the Kafka Streams peer could not be built: expected Java 17 and Maven with access to its repository',
			{
				cause,
			},
		);
	}
}

const java = (heapMb: number, program: string, args: readonly string[]): Promise<{ stdout: string }> =>
	run('java', [`-Xmx${heapMb}m`, '-cp', 'target/classes:target/lib/*', `affidavit.${program}`, ...args], {
		cwd: folder,
		maxBuffer: 16 * 1024 ** 2,
	});

let round = 0;

/** One round: topics made and filled (not measured), then the aggregation of all events. */
export async function runPeer(servers: Servers, work: Work): Promise<PeerRun> {
	round += 1;
	const scratch = temporaryFolder();
	const [input, output] = [`peer-events-${round}`, `peer-sessions-${round}`];
	const { brokers } = servers.kafka;
	try {
		const file = join(scratch, 'events.bin');
		writePeerEvents(work, file);
		await java(512, 'Load', [brokers, input, output, String(partitions), file]);
		const before = servers.cpu();
		const args = [brokers, input, output, String(work.events), '2', join(scratch, 'state'), 'event.avsc'];
		const { stdout } = await java(1500, 'SessionPeer', args);
		const after = servers.cpu();
		const told = JSON.parse(stdout) as { events: number; sessions: number; wallSeconds: number; cpuSeconds: number };
		if (told.events < work.events) throw new Error(`peer: ${told.events} events of ${work.events}`);
		return {
			cpu: perMillion({ client: told.cpuSeconds, store: 0, broker: after.broker - before.broker }, told.events),
			eventsPerSecond: Math.round(told.events / told.wallSeconds),
			sessions: told.sessions,
		};
	} finally {
		await rm(scratch, { recursive: true, force: true });
	}
}
