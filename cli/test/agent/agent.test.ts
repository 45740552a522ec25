import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { signedBatchCodec, traceBatchCodec } from '@affidavit/model/codec.ts';
import type { TraceBatch } from '@affidavit/model/generated/trace.ts';
import { openKafkaLog } from '@affidavit/stream/kafka/log.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import { freePorts } from '../../../test/servers/free-port.ts';
import { givenServers } from '../../../test/servers/given.ts';
import { launcher, repoRoot, runCli, temporaryFolder } from '../run-cli.ts';

const recorded = join(repoRoot, 'test/fixtures/traces/05-npm/events.jsonl.gz');
const lines = gunzipSync(readFileSync(recorded)).toString().trimEnd().split('\n');

interface World {
	dir: string;
	run: (...args: string[]) => ReturnType<typeof runCli>;
	/** `brokers` in place of those of the configuration. */
	start: (brokers: string | null, ...args: string[]) => Agent;
	/** Of topic trace, by partition and offset. */
	trace: () => Promise<{ records: LogRecord[]; batches: TraceBatch[] }>;
}

interface Agent {
	child: ChildProcess;
	/** What it told with --json so far. */
	news: () => Record<string, unknown>[];
	stderr: () => string;
	ended: Promise<number | null>;
}

function worldOf(t: TestContext, brokers: string, prefix: string): World {
	const dir = temporaryFolder(t);
	const config = { dataDir: 'data', kafka: { brokers: brokers.split(','), topicPrefix: prefix } };
	writeFileSync(
		join(dir, 'affidavit.yaml'),
		JSON.stringify({
			...config,
			kafka: { ...config.kafka, partitions: 2, replicationFactor: 1, minInsyncReplicas: 1, requestTimeoutMs: 5000 },
			agent: { drainMsMax: 1500, cpuShare: 4 },
			ops: { port: 0 },
		}),
	);
	return {
		dir,
		run: (...args) => runCli(args, { cwd: dir }),
		start(other, ...args) {
			const child = spawn(process.execPath, [launcher, 'agent', '--json', ...args], {
				cwd: dir,
				env: {
					PATH: process.env['PATH'] ?? '',
					HOME: dir,
					...(other === null ? {} : { AFFIDAVIT_KAFKA__BROKERS: JSON.stringify([other]) }),
				},
				stdio: ['ignore', 'pipe', 'pipe'],
			});
			let stdout = '';
			let stderr = '';
			child.stdout.setEncoding('utf8').on('data', (text: string) => {
				stdout += text;
			});
			child.stderr.setEncoding('utf8').on('data', (text: string) => {
				stderr += text;
			});
			t.after(() => child.kill('SIGKILL'));
			return {
				child,
				news: () =>
					stdout
						.split('\n')
						.filter(Boolean)
						.map((line) => JSON.parse(line)),
				stderr: () => stderr,
				ended: once(child, 'close').then(([code]) => code as number | null),
			};
		},
		async trace() {
			const log = await openKafkaLog({ brokers: brokers.split(','), topicPrefix: prefix, topics: ['trace'] });
			const records: LogRecord[] = [];
			for (let partition = 0; partition < log.partitions('trace'); partition++) {
				const { start, end } = await log.bounds('trace', partition);
				for (let at = start; at < end; ) {
					const read = await log.read('trace', partition, at, { records: 1000, bytes: 1e8 });
					if (read.length === 0) break;
					records.push(...read);
					at = (read.at(-1) as LogRecord).offset + 1;
				}
			}
			await log.close();
			return {
				records,
				batches: records.map(({ value }) => traceBatchCodec.decode(signedBatchCodec.decode(value).payload)),
			};
		},
	};
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
	for (const end = Date.now() + 60_000; !(await condition()); await sleep(50)) assert.ok(Date.now() < end, what);
}

const eventsOf = (batches: readonly TraceBatch[]): number =>
	batches.reduce((sum, { events }) => sum + events.length, 0);
const told = (agent: Agent, event: string): Record<string, unknown> | undefined =>
	agent.news().find((news) => news['event'] === event);

describe('affidavit agent', () => {
	it('sends recorded files to their end, once, and names what it has sent before', { timeout: 180_000 }, async (t) => {
		const servers = givenServers(t);
		if (servers === null) return;
		const world = worldOf(t, servers.brokers, servers.prefix);
		assert.equal((await world.run('topics', 'apply')).code, 0);
		const first = await world.run('agent', '--json', '--file', recorded);
		assert.equal(first.code, 0, first.stderr);
		const sent = JSON.parse(first.stdout.trim().split('\n').at(-1) ?? '');
		assert.equal(sent.event, 'sent');
		const { batches, records } = await world.trace();
		assert.equal(eventsOf(batches), sent.summary.events);
		assert.equal(batches.at(-1)?.endOfInput, true);
		assert.ok(records.every(({ origin, key }) => origin?.stage === `ingest:${key}`));
		const again = await world.run('agent', '--json', '--file', recorded);
		assert.equal(again.code, 0, again.stderr);
		assert.deepEqual(JSON.parse(again.stdout.trim()), { event: 'sent', summary: null });
		assert.equal((await world.trace()).records.length, records.length);
		// Another host's events are not this host's to tell.
		const foreign = await world.run('agent', '--json', '--host', 'other', '--file', recorded);
		assert.equal(foreign.code, 0, foreign.stderr);
		assert.equal((await world.trace()).records.length, records.length);
	});

	it('spools while no broker answers, says what stays, and sends it by the next run', {
		timeout: 180_000,
	}, async (t) => {
		const servers = givenServers(t);
		if (servers === null) return;
		const world = worldOf(t, servers.brokers, servers.prefix);
		assert.equal((await world.run('topics', 'apply')).code, 0);
		const exported = join(world.dir, 'tetragon.log');
		writeFileSync(exported, `${lines.slice(0, 500).join('\n')}\n`);
		const nobody = `127.0.0.1:${await freePorts()}`;

		const away = world.start(nobody, '--export', exported);
		await until('listening', () => told(away, 'listening') !== undefined);
		const url = told(away, 'listening')?.['url'] as string;
		const metric = async (name: string): Promise<number> => {
			const text = await (await fetch(`${url}/metrics`)).text();
			return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
		};
		await until('500 events', async () => (await metric('affidavit_agent_events')) === 500);
		await until('not ready', async () => (await fetch(`${url}/readyz`)).status === 503);
		assert.ok((await metric('affidavit_spool_unsent_records')) > 0);
		assert.ok((await metric('affidavit_spool_unsent_bytes')) > 10_000);
		assert.ok((await metric('affidavit_agent_rss_bytes')) > 1e7);
		away.child.kill('SIGTERM');
		assert.equal(await away.ended, 0, away.stderr());
		const left = told(away, 'stopped') as { unsentRecords: number; unsentBytes: number };
		assert.ok(left.unsentRecords > 0 && left.unsentBytes > 10_000, JSON.stringify(left));

		appendFileSync(exported, `${lines.slice(500, 700).join('\n')}\n`);
		const back = world.start(null, '--export', exported);
		await until('700 events', async () => eventsOf((await world.trace()).batches) === 700);
		await until('ready', async () => {
			const at = told(back, 'listening')?.['url'];
			return typeof at === 'string' && (await fetch(`${at}/readyz`)).status === 200;
		});
		// The spool is in use: another agent must not write into it.
		const second = await world.run('agent', '--export', exported, '--ops-port', '0');
		assert.equal(second.code, 2);
		assert.match(second.stderr, /in use by another process/);
		back.child.kill('SIGTERM');
		assert.equal(await back.ended, 0, back.stderr());
		assert.deepEqual(told(back, 'stopped'), { event: 'stopped', unsentRecords: 0, unsentBytes: 0 });
		const { batches } = await world.trace();
		assert.deepEqual(
			batches.map(({ sequence }) => sequence),
			batches.map((_, i) => i),
		);

		// With the disk gone and the key kept, the chain goes on after a hole, under an origin of its own.
		rmSync(join(world.dir, 'data/agent'), { recursive: true });
		const anew = world.start(null, '--export', exported);
		await until('sent again', async () => (await world.trace()).batches.length > batches.length);
		anew.child.kill('SIGTERM');
		assert.equal(await anew.ended, 0);
		assert.match(anew.stderr(), /chain_interrupted.*spool-lost/);
		const after = await world.trace();
		const next = after.batches[batches.length] as TraceBatch;
		assert.ok(next.sequence > 1e12);
		const epochs = new Set(after.records.map(({ origin }) => origin?.partition));
		assert.equal(epochs.size, 2);
	});

	it('refuses wrong use with a message', async (t) => {
		const dir = temporaryFolder(t);
		copyFileSync(recorded, join(dir, 'events.gz'));
		writeFileSync(join(dir, 'open.pem'), 'key', { mode: 0o644 });
		const brokers = { AFFIDAVIT_KAFKA__BROKERS: '["127.0.0.1:1"]' };
		const cases: [string[], Record<string, string>, RegExp, number][] = [
			[['--export', 'x.log'], {}, /kafka\.brokers: expected at least one/, 78],
			[[], brokers, /source: expected a live Tetragon/, 78],
			[['--file', 'none.gz'], brokers, /none\.gz: no such file/, 2],
			[['--file', 'events.gz', '--export', 'x.log'], brokers, /--file: expected no --export/, 2],
			[['--metrics', 'events.gz', '--export', 'x.log'], brokers, /--metrics: expected only with --file/, 2],
			[['--grpc', 'tcp://10.0.0.1:54321'], brokers, /plain text to another machine/, 78],
			[['--export', 'x.log'], { ...brokers, AFFIDAVIT_AGENT__KEY_FILE: 'open.pem' }, /others use the private key/, 2],
			[['--export', 'x.log'], { ...brokers, AFFIDAVIT_AGENT__KEY_FILE: 'none.pem' }, /cannot read .*none\.pem/, 2],
		];
		for (const [args, env, message, code] of cases) {
			const result = await runCli(['agent', ...args, '--data', join(dir, 'data')], { cwd: dir, env });
			assert.match(result.stderr, message);
			assert.equal(result.code, code, args.join(' '));
		}
		assert.ok(
			!existsSync(join(dir, 'data', 'agent-files')) || readdirSync(join(dir, 'data', 'agent-files')).length === 0,
		);
	});
});
